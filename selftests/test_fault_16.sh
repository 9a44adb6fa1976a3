#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3, P6: where only writeback finds that there is no place, as with thin provisioning, the
# flush says ENOSPC, and so does a stable write; a zeroing that needs a place and finds none
# does, too. With room again all succeeds. (The C driver says EIO.)
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_tool filefrag
# fill DIRECTORY: nothing is left, not even of what was set aside.
fill() {
	local i
	for ((i = 0; i < 3; i++)); do
		dd if=/dev/zero of="$1/filler$i" bs=$((i == 0 ? 65536 : 4096)) status=none 2>/dev/null || true
		sync -f "$1"
	done
}
empty() {
	rm "$1"/filler?
	sync -f "$1"
}
body() {
	local mode=$1 outer inner lower dev start length before
	outer=$(make_backing ext4 48)
	truncate -s 24M "$outer/lower"
	lower=$(attach_mode direct "$outer/lower")
	# Without a journal, which would need places of its own, and nothing that is initialised later.
	mkfs.ext4 -q -F -b 4096 -O ^has_journal -E nodiscard,lazy_itable_init=0 "$lower"
	inner=$(mktemp -d "$tmp/inner.XXXXXX")
	mount_at "$inner" "$lower"
	dd if=/dev/zero of="$inner/image" bs=1M count=2 conv=fsync status=none
	sync -f "$inner"
	before=$(allocated "$outer/lower")
	# To the file system above its blocks are allocated, in the one below they are no more.
	while read -r start length; do
		fallocate -p -o "$((start * 4096))" -l "$((length * 4096))" "$outer/lower"
	done < <(filefrag -b4096 -v "$inner/image" |
		sed -nE 's/^ *[0-9]+: +[0-9]+\.\. +[0-9]+: +([0-9]+)\.\. +[0-9]+: +([0-9]+):.*/\1 \2/p')
	[[ $(allocated "$outer/lower") -le $((before - (2 << 20))) ]] || fail "no hole was punched"
	dev=$(attach_mode "$mode" "$inner/image")
	fill "$outer"
	if [[ $mode == buffered ]]; then
		expect "write and fsync" "4096 ENOSPC" "$(fdio "$dev:rw,direct" pwrite:8192:4096:1 fsync | results)"
	else
		expect "write" ENOSPC "$(fdio "$dev:rw,direct" pwrite:8192:4096:1 | results)"
	fi
	# Whom the device itself tells, too.
	fdio "$dev" fsync fsync fsync >/dev/null
	expect "stable write" ENOSPC "$(fdio "$dev:rw,direct,dsync" pwrite:65536:4096:1 | results)"
	fdio "$dev" fsync fsync fsync >/dev/null
	empty "$outer"
	expect "write and fsync with room again" "4096 0" \
		"$(fdio "$dev:rw,direct" pwrite:8192:4096:1 fsync | results)"
	expect "stable write with room again" 4096 "$(fdio "$dev:rw,direct,dsync" pwrite:65536:4096:1 | results)"
	detach "$dev"
	umount "$inner"
	detach "$lower"
	rm "$outer/lower"

	truncate -s 8M "$outer/image"
	dev=$(attach_mode "$mode" "$outer/image")
	fill "$outer"
	expect_failure blkdiscard -f -z -o 1048576 -l 1048576 "$dev"
	grep -q "No space left on device" "$tmp/output" || fail "zeroing: $(cat "$tmp/output")"
	empty "$outer"
	blkdiscard -f -z -o 1048576 -l 1048576 "$dev"
	expect "write and fsync there" "4096 0" "$(fdio "$dev:rw,direct" pwrite:1048576:4096:1 fsync | results)"
	detach "$dev"
	umount "$outer"
}
each_mode body
clean_unload
