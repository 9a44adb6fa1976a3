#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a block device can be the backing file, and so can another device of the
# driver.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

node=$(ram_disk 16)
body() {
	local lower upper
	pattern 1048576 >"$tmp/data"
	dd if="$tmp/data" of="$node" bs=1M conv=notrunc,fsync status=none
	lower=$(attach_mode "$1" "$node" --sizelimit 8388608)
	expect "size" 8388608 "$(size_of "$lower")"
	cmp -n 1048576 "$tmp/data" "$lower"

	upper=$(attach_mode "$1" "$lower" -o 65536)
	expect "size" $((8388608 - 65536)) "$(size_of "$upper")"
	expect "backing_file" "$lower" "$(attribute "$upper" backing_file)"
	cmp "$upper" "$tmp/data" -n $((1048576 - 65536)) -i 0:65536
	dd if="$tmp/data" of="$upper" bs=1M conv=notrunc,fsync status=none
	drop_caches
	cmp "$tmp/data" "$node" -i 0:65536 -n 1048576
	detach "$upper"
	detach "$lower"
}
each_mode body
