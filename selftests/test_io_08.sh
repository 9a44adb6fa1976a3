#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: byte X of the device is byte X + offset of the file, and nothing outside of
# the window changes.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 32)
pattern 4194304 1 >"$tmp/file"
pattern 1048576 2 >"$tmp/data"
body() {
	local dev
	cp "$tmp/file" "$dir/image"
	dev=$(attach_mode "$1" "$dir/image" -o 1572864 --sizelimit 1048576)
	cmp "$dev" "$tmp/file" -i 0:1572864 -n 1048576
	dd if="$tmp/data" of="$dev" bs=256k oflag=direct conv=notrunc,fsync status=none
	# Its last sector is the last one.
	expect "write at the end" ENOSPC \
		"$(fdio "$dev" pwrite:1048576:512:1 | results)"
	expect_failure dd if="$tmp/data" of="$dev" bs=512 count=1 seek=2048 oflag=direct conv=notrunc
	detach "$dev"
	drop_caches
	{
		head -c 1572864 "$tmp/file"
		cat "$tmp/data"
		tail -c 1572864 "$tmp/file"
	} | cmp - "$dir/image"
}
each_mode body
