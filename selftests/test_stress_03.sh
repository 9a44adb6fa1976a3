#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9, P11: loop devices on loop devices, three deep with a file system on each,
# keep data; a cycle is refused from each position, also when two are made at
# the same time.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

three_deep() {
	local mode=$1 dir file dev level devs=()
	dir=$(make_backing tmpfs 96)
	file=$dir/image
	truncate -s 80M "$file"
	for level in 1 2 3; do
		dev=$(attach_mode "$mode" "$file")
		devs+=("$dev")
		make_fs ext4 "$dev"
		mount_at "$tmp/$mode-$level" "$dev"
		file=$tmp/$mode-$level/image
		truncate -s "$((80 - level * 20))M" "$file"
	done
	fio_verify "$file" --size="$(scaled 3)M" --allow_file_create=1 --direct=0 --fsync=64
	fio_verify "$tmp/$mode-3/direct" --size="$(scaled 3)M" --filesize="$(scaled 3)M" \
		--allow_file_create=1
	for level in 3 2 1; do
		umount "$tmp/$mode-$level"
		detach "${devs[level - 1]}"
	done
	umount "$dir"
}
each_mode three_deep

# The devices themselves as files, and what must not be.
cycles() {
	local dir a b c i ok
	dir=$(make_backing tmpfs 16)
	truncate -s 1M "$dir/1" "$dir/2"
	a=$(attach "$dir/1" -r)
	b=$(attach "$a" -r)
	c=$(attach "$b" -r)
	for i in "$a" "$b" "$c"; do
		expect_error EBADF loopctl "$a" change_fd "$i:ro"
	done
	for i in "$b" "$c"; do
		expect_error EBADF loopctl "$b" change_fd "$i:ro"
	done
	expect_error EBADF loopctl "$c" change_fd "$c:ro"
	# In the other direction nothing is wrong.
	expect "change to the file at the bottom" 0 "$(loopctl "$c" change_fd "$a:ro")"
	expect "and back" 0 "$(loopctl "$c" change_fd "$b:ro")"
	cmp "$dir/1" "$c"
	detach "$c"
	detach "$b"
	b=$(attach "$dir/2" -r)
	for ((i = 0; i < $(scaled 25); i++)); do
		loopctl "$a" change_fd "$b:ro" >"$tmp/a" &
		loopctl "$b" change_fd "$a:ro" >"$tmp/b" || true
		wait "$!" || true
		ok=$(grep -cx 0 "$tmp/a" "$tmp/b" -h | paste -sd+ | bc)
		[[ $ok -lt 2 ]] || fail "both $a and $b were made the other's backing file"
		dd if="$a" of=/dev/null bs=64k count=1 status=none
		dd if="$b" of=/dev/null bs=64k count=1 status=none
		expect "back" 0 "$(loopctl "$a" change_fd "$dir/1:ro")"
		expect "back" 0 "$(loopctl "$b" change_fd "$dir/2:ro")"
	done
	detach "$a"
	detach "$b"
	umount "$dir"
}
if under_test_is_c; then
	log "the C driver has other errnos"
else
	cycles
fi
clean_unload
