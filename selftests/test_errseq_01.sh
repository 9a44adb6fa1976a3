#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5: ten descriptors of the device that have written each learn of the loss that
# the flush of the first has met, whenever they sync; the first once more; then
# none any more. (With the C driver nine of the ten never learn.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_flakey
# all_have FILE: have all ten come to where they make such a file?
all_have() {
	local files=("$1"[0-9])
	[[ ${#files[@]} -eq 10 ]]
}
body() {
	local mode=$1 node target dev dir i
	dir=$(mktemp -d "$tmp/steps.XXXXXX")
	node=$(ram_disk 16 cache_size=4)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode "$mode" "$target")
	for ((i = 0; i < 10; i++)); do
		fdio "$dev:rw,direct" "pwrite:$((i * 8192)):4096:$((i + 1))" "touch:$dir/written$i" \
			"wait:$dir/$([[ $i -eq 0 ]] && echo first || echo others)" fsync \
			"touch:$dir/synced$i" "wait:$dir/again" fsync fsync >"$dir/told$i" &
	done
	eventually all_have "$dir/written"
	dm_switch "$target" "$(loss_table "$mode" "$node")"
	touch "$dir/first"
	eventually test -e "$dir/synced0"
	# What was lost is lost, whatever the disk does now.
	dm_switch "$target" "$(linear "$node")"
	touch "$dir/others"
	eventually all_have "$dir/synced"
	touch "$dir/again"
	wait
	# told N: what their Nth fsync has told each of them.
	told() { awk -v "n=$1" '$3 == "fsync" && ++count[FILENAME] == n { printf " %s", $4 }' "$dir"/told?; }
	note "$(driver), $mode: ten descriptors, told:$(told 1)"
	expect "writes" "$(printf ' 4096%.0s' {1..10})" "$(awk '/pwrite/ { printf " %s", $4 }' "$dir"/told?)"
	expect "first fsync of each" "$(printf ' EIO%.0s' {1..10})" "$(told 1)"
	expect "second fsync of each" " EIO$(printf ' 0%.0s' {1..9})" "$(told 2)"
	expect "third fsync of each" "$(printf ' 0%.0s' {1..10})" "$(told 3)"
	detach "$dev"
}
bodies() { each_mode body; }
with_c_loop bodies
