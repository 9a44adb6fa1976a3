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
# workers DEVICE: with the default of rloop on few processors where that is not told.
workers() { setting "$1" workers 2>/dev/null || echo 8; }
# round MODE: sets late.
round() {
	local mode=$1 dev i slow pids readers apart
	drop_caches
	dev=$(attach_mode "$mode" "$halves")
	# Who attached or announced it has looked at its beginning.
	drop_caches
	pids=()
	# More than there are processors, far enough from each other for
	# each to be a read of its own. With direct I/O none needs a thread,
	# so that there may be more than there are workers, too.
	readers=6 apart=524288
	if [[ $mode == direct ]]; then
		readers=$(($(workers "$dev") + 2)) apart=131072
	fi
	for ((i = 0; i < readers; i++)); do
		fdio "$dev:ro,direct" "pread:$((2097152 + i * 3 * apart)):4096" \
			"pread:$((2097152 + (i * 3 + 1) * apart)):4096" \
			"pread:$((2097152 + (i * 3 + 2) * apart)):4096" >"$tmp/slow$i" &
		pids+=("$!")
	done
	reads_while "${pids[0]}" "$tmp/fast" "$dev" $((half * 512 + 1048576)) 14680064
	wait "${pids[@]}"
	expect "slow reads that failed" 0 "$(awk '$4 != 4096' "$tmp"/slow* | wc -l)"
	detach "$dev"
	slow=$(shortest pread "$tmp"/slow*)
	late=$(longer_than $((slow / 4)) "$tmp/fast")
	rm "$tmp"/slow*
	note "$(driver), $mode, $readers readers: a slow read takes $((slow / 1000000)) ms," \
		"the longest of $(wc -l <"$tmp/fast") others" \
		"$(($(longest pread "$tmp/fast") / 1000000)) ms"
}
body() {
	local mode late try bad=0
	for mode in buffered direct; do
		# Anybody may be late once, and the machine be busy for a round.
		for ((try = 0; try < 3; try++)); do
			round "$mode"
			if [[ $late -le 1 ]] || under_test_is_c; then break; fi
		done
		[[ $late -le 1 ]] || bad=$((bad + late))
	done
	expect "reads that took more than a quarter of a slow one" 0 "$bad"
}
with_c_loop body
