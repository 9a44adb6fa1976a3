#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: a discard punches a hole into the file: it gets smaller, reads as zeroes, and
# what is beside it stays.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 4194304 >"$tmp/file"
body() {
	local dir=$2 dev before after
	cp "$tmp/file" "$dir/image"
	sync -f "$dir"
	dev=$(attach_mode "$1" "$dir/image")
	[[ $(limit "$dev" discard_max_bytes) -gt 0 ]] || fail "no discard on $dir"
	before=$(allocated "$dir/image")
	blkdiscard -o 1048576 -l 2097152 "$dev"
	sync -f "$dir"
	after=$(allocated "$dir/image")
	expect "bytes freed" 2097152 $((before - after))
	expect "size of the file" 4194304 "$(stat -c %s "$dir/image")"
	drop_caches
	for file in "$dev" "$dir/image"; do
		cmp -n 1048576 "$tmp/file" "$file"
		cmp -n 2097152 -i 0:1048576 /dev/zero "$file"
		cmp -i 3145728 "$tmp/file" "$file"
	done
	detach "$dev"
	rm "$dir/image"
}
for fs in ext4 xfs tmpfs; do
	dir=$(make_backing $fs 32)
	each_mode body "$dir"
done
