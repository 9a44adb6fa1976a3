#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: reading what lies behind the end of a file that was truncated meanwhile gives
# zeroes or EIO, never stale data.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

body() {
	local dir=$2 dev offset got
	# Each byte is 'x', so whatever is not from before the end shows.
	head -c 2097152 /dev/zero | tr '\0' x >"$dir/image"
	sync -f "$dir"
	dev=$(attach_mode "$1" "$dir/image")
	head -c 8192 "$dev" >/dev/null
	truncate -s $((65536 + 512)) "$dir/image"
	blockdev --flushbufs "$dev"
	for offset in 66048 66560 69632 131072 1048576 2093056; do
		got=$(fdio "$dev:ro,direct" pread:$offset:512 pread:$((offset / 4096 * 4096 + 4096)):4096 | results)
		log "$offset: $got"
		[[ $got =~ ^(512 0|EIO)\ (4096 0|EIO|0)$ ]] || fail "read at $offset: $got"
	done
	expect "the last sector" "512 120" "$(fdio "$dev:ro,direct" pread:65536:512 | results)"
	# Across the end: an error, or the data and then zeroes.
	got=$({ dd if="$dev" bs=8k skip=8 count=1 iflag=direct status=none 2>"$tmp/error" || true; } |
		tr -d 'x\0' | wc -c)
	expect "strange bytes across the end" 0 "$got"

	# It can be written there, and read back.
	expect "write and read" "4096 0 4096 7" \
		"$(fdio "$dev:rw,direct" pwrite:1048576:4096:7 fsync pread:1048576:4096 | results)"
	detach "$dev"
	rm "$dir/image"
}
for fs in ext4 tmpfs; do
	dir=$(make_backing $fs 16)
	each_mode body "$dir"
done
