#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: slow reads of one part of a device do not hold up reads of another. (The C
# driver's do in buffered mode.)
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_module dm_delay
node=$(ram_disk 32)
half=$(($(sectors_of "$node") / 2))
halves=$(dm halves "$(linear "$node")")
# That takes ages to look at a device a part of which is slow.
without_udev
# dmsetup would wait for it.
export DM_DISABLE_UDEV=1
dm_switch "$halves" "0 $half delay $node 0 800
$half $half linear $node $half"
body() {
	local mode dev i slow late bad=0 pids
	for mode in buffered direct; do
		drop_caches
		dev=$(attach_mode "$mode" "$halves")
		# Who attached or announced it has looked at its beginning.
		drop_caches
		pids=()
		# More than there are processors, far enough from each other for
		# each to be a read of its own.
		for ((i = 1; i <= 6; i++)); do
			fdio "$dev:ro,direct" "pread:$((i * 2097152)):4096" \
				"pread:$((i * 2097152 + 524288)):4096" \
				"pread:$((i * 2097152 + 1048576)):4096" >"$tmp/slow$i" &
			pids+=("$!")
		done
		reads_while "${pids[0]}" "$tmp/fast" "$dev" $((half * 512 + 1048576)) 14680064
		wait "${pids[@]}"
		expect "slow reads that failed" 0 "$(awk '$4 != 4096' "$tmp"/slow? | wc -l)"
		detach "$dev"
		slow=$(shortest pread "$tmp"/slow?)
		late=$(longer_than $((slow / 4)) "$tmp/fast")
		note "$(driver), $mode: a slow read takes $((slow / 1000000)) ms," \
			"the longest of $(wc -l <"$tmp/fast") others" \
			"$(($(longest pread "$tmp/fast") / 1000000)) ms"
		# Anybody may be late once.
		[[ $late -le 1 ]] || bad=$((bad + late))
	done
	expect "reads that took more than a quarter of a slow one" 0 "$bad"
}
with_c_loop body
