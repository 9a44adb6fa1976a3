#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: with max_part each device has that many minor numbers for its partitions, which
# are looked for without being asked; the ones beyond that work, too.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool sfdisk
[[ $LOOP == loop ]] || skip "unloads the driver"
if under_test_is_c; then
	load() { modprobe loop "$@"; }
	driver_module=loop
else
	load() { insmod "$RLOOP" "$@"; }
	driver_module=$module
fi
restore() {
	patiently rmmod "$driver_module"
	load
}
on_exit restore
eventually rmmod "$driver_module"
# Rounded up to what the bits can hold.
load max_part=5
settle
expect "max_part" 7 "$(<"/sys/module/$driver_module/parameters/max_part")"
minor() { echo $((0x$(stat -c %T "$1"))); }
major() { echo $((0x$(stat -c %t "$1"))); }
expect "minor of loop3" 24 "$(minor /dev/loop3)"

truncate -s 16M "$tmp/image"
for ((i = 0; i < 9; i++)); do
	echo "start=$((2048 + i * 2048)),size=1024"
done | sed '1i label: gpt' | sfdisk -q "$tmp/image"
losetup /dev/loop3 "$tmp/image"
detach_at_exit /dev/loop3
settle
expect "partscan" 1 "$(attribute loop3 partscan)"
for ((i = 1; i <= 9; i++)); do
	expect "size of partition $i" $((1024 * 512)) "$(size_of "/dev/loop3p$i")"
done
expect "numbers of partition 1" "7 25" "$(major /dev/loop3p1) $(minor /dev/loop3p1)"
expect "numbers of partition 7" "7 31" "$(major /dev/loop3p7) $(minor /dev/loop3p7)"
expect "major of partition 8" 259 "$(major /dev/loop3p8)"
pattern 4096 >"$tmp/data"
for i in 1 7 8 9; do
	dd if="$tmp/data" of="/dev/loop3p$i" bs=4k conv=fsync status=none
	cmp "$tmp/data" "$tmp/image" -i 0:$(((i * 2048) * 512)) -n 4096
done
# It is not for LOOP_SET_STATUS to switch that off.
expect "set_status64" 0 "$(loopctl /dev/loop3 set_status64 flags=0)"
expect "partscan" 1 "$(attribute loop3 partscan)"
detach /dev/loop3
settle
[[ ! -e /sys/block/loop3/loop3p1 && ! -e /sys/block/loop3/loop3p8 ]] ||
	fail "partitions stay behind"
expect "device of minor 32" loop4 "$(basename "$(readlink "/sys/dev/block/7:32")")"
