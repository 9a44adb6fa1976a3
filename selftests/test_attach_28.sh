#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: the largest file there can be is shown whole, and at its end, as by the largest
# offsets, sectors are read and written where they belong.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing tmpfs 16)
largest=$(((1 << 63) - 1))
truncate -s "$largest" "$dir/image"
sectors=$((largest / 512))
# sector NUMBER FILE
sector() { dd if="$2" bs=512 skip="$1" count=1 status=none; }
body() {
	local dev number
	# Other data for each mode.
	pattern 512 "${#1}" >"$tmp/data"
	fallocate -p -o $(((sectors - 64) * 512)) -l 32768 "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	expect "size" $((sectors * 512)) "$(size_of "$dev")"
	for number in 0 $((sectors / 2)) $((sectors - 1)); do
		dd if="$tmp/data" of="$dev" bs=512 seek="$number" conv=notrunc,fsync status=none
		cmp "$tmp/data" <(sector "$number" "$dir/image")
		drop_caches
		cmp "$tmp/data" <(sector "$number" "$dev")
	done
	expect "the sector before" 0 "$(sector $((sectors - 2)) "$dev" | tr -d '\0' | wc -c)"
	expect_failure dd if="$tmp/data" of="$dev" bs=512 seek="$sectors" conv=notrunc status=none
	expect "size of the file" "$largest" "$(stat -c %s "$dir/image")"
	detach "$dev"

	# The last eight sectors, of which one is incomplete.
	dev=$(attach_mode "$1" "$dir/image" -o $(((1 << 63) - 4096)))
	expect "size" 3584 "$(size_of "$dev")"
	cmp "$tmp/data" <(sector 6 "$dev")
	dd if="$tmp/data" of="$dev" bs=512 seek=2 conv=notrunc,fsync status=none
	cmp "$tmp/data" <(sector $((sectors - 5)) "$dir/image")
	detach "$dev"
	dev=$(attach_mode "$1" "$dir/image" -o 512 --sizelimit $((largest - 511)))
	expect "size" $(((sectors - 1) * 512)) "$(size_of "$dev")"
	cmp "$tmp/data" <(sector $((sectors - 2)) "$dev")
	detach "$dev"
}
each_mode body
