#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: with rloop/uncached=1 what goes through the device does not stay in the page
# cache of the backing file; where this is impossible it is refused.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_cachestat
! under_test_is_c || skip "needs rloop"
size=4194304
dir=$(make_backing ext4 32)
pattern $size 1 >"$tmp/first"
pattern $size 2 >"$tmp/second"
cp "$tmp/first" "$dir/image"
dev=$(attach_mode buffered "$dir/image")
expect "uncached at first" 0 "$(setting "$dev" uncached)"
few() { [[ $(cached_bytes "$dir/image") -le $((size / 16)) ]]; }
# through COMMAND…: what of the backing file is cached after it; it starts cold.
through() {
	drop_caches
	few || fail "$(cached_bytes "$dir/image") bytes are cached at the beginning"
	"$@"
	sync -f "$dir"
	cached_bytes "$dir/image"
}
read_all() { dd if="$dev" bs="$1" iflag=direct status=none | cmp - "$2"; }
write_all() { dd if="$2" of="$dev" bs="$1" oflag=direct conv=notrunc status=none; }
for block in 4k 256k; do
	for way in read_all write_all; do
		set_to "$dev" uncached 0
		expect "uncached" 0 "$(setting "$dev" uncached)"
		keeps=$(through "$way" "$block" "$tmp/first")
		set_to "$dev" uncached 1
		expect "uncached" 1 "$(setting "$dev" uncached)"
		drops=$(through "$way" "$block" "$tmp/first")
		note "$way of $size bytes in $block: $keeps bytes stay cached, with uncached=1 $drops"
		[[ $keeps -ge $((size * 15 / 16)) ]] || fail "only $keeps bytes are cached by $way"
		# Written pages go when they are clean, a moment after it.
		eventually few
	done
done
write_all 64k "$tmp/second"
read_all 64k "$tmp/second"
drop_caches
cmp "$tmp/second" "$dir/image"

# refused DEVICE VALUE ERROR RANGE
refused() {
	# shellcheck disable=SC2016
	expect_failure bash -c 'echo "$1" >"$2"' - "$2" "$(rloop_file "$1" uncached)"
	grep -q "$3" "$tmp/output" || fail "$(cat "$tmp/output")"
	expect_log "$(name_of "$1")" "uncached $2:" "$4"
}
log_budget
refused "$dev" x "Invalid argument" "0 or 1"
expect "uncached" 1 "$(setting "$dev" uncached)"
detach "$dev"
truncate -s 1M "$(make_backing tmpfs 4)/image"
dev=$(attach "$(echo "$tmp"/tmpfs.*/image)")
refused "$dev" 1 "Operation not supported" "cannot do without"
expect "uncached on tmpfs" 0 "$(setting "$dev" uncached)"
set_to "$dev" uncached 0
