#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a sparse file of more than 2 TiB can be read and written at its end.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing xfs 320)
size=$(((3 << 40) + 512))
truncate -s "$size" "$dir/image"
pattern 4096 >"$tmp/data"
body() {
	local dev
	dev=$(attach_mode "$1" "$dir/image")
	expect "size" "$size" "$(size_of "$dev")"
	dd if="$tmp/data" of="$dev" bs=4k seek=$(((3 << 28) - 1)) conv=notrunc,fsync status=none
	dd if="$tmp/data" of="$dev" bs=512 seek=$(((5 << 30) + 7)) count=8 conv=notrunc,fsync status=none
	drop_caches
	cmp "$tmp/data" <(dd if="$dir/image" bs=4k skip=$(((3 << 28) - 1)) count=1 status=none)
	cmp "$tmp/data" <(dd if="$dev" bs=4k skip=$(((3 << 28) - 1)) count=1 status=none)
	cmp "$tmp/data" <(dd if="$dir/image" bs=512 skip=$(((5 << 30) + 7)) count=8 status=none)
	expect "first bytes" 0 "$(head -c 4096 "$dev" | tr -d '\0' | wc -c)"
	detach "$dev"
}
each_mode body
