#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: slow flushes do not hold up reads, of which almost all take as long as without.
# (The C driver's reads wait for them.)
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_module dm_delay
# Without a cache there is nothing to be flushed.
node=$(ram_disk 32 cache_size=8)
# Flushes take their time, reads and writes do not.
slow=$(dm slow "$(slow_flush_table "$node" 800)")
# How many times as long as without flushes 99 percent of the reads may take: the machine has
# more to do. Each one that waited for a flush would take hundreds of times as long.
most=16
# round MODE: sets late, and ratio, of what 99 percent of the reads take with flushes to the same
# without; that is not taken for less than four times what half of them take, nor for less than a
# hundredth of an fsync: 16 times that is still much less than what waits for one takes.
round() {
	local mode=$1 dev i sync without with half operations=()
	for ((i = 0; i < 5; i++)); do
		operations+=("pwrite:$((i * 65536)):4096:$i" fsync)
	done
	drop_caches
	dev=$(attach_mode "$mode" "$slow")
	sleep 3 &
	reads_while "$!" "$tmp/alone" "$dev" 4194304 25165824
	drop_caches
	fdio "$dev" "${operations[@]}" >"$tmp/syncs" &
	reads_while "$!" "$tmp/reads" "$dev" 4194304 25165824
	wait "$!"
	expect "writes and fsyncs" "$(printf '4096 0 %.0s' {1..5})" "$(results <"$tmp/syncs") "
	detach "$dev"
	sync=$(shortest fsync "$tmp/syncs")
	late=$(longer_than $((sync / 4)) "$tmp/reads")
	without=$(percentile 99 pread "$tmp/alone")
	half=$(percentile 50 pread "$tmp/alone")
	with=$(percentile 99 pread "$tmp/reads")
	without=$((without > 4 * half ? without : 4 * half))
	without=$((without > sync / 100 ? without : sync / 100))
	ratio=$(((with + without - 1) / without))
	note "$(driver), $mode: an fsync takes $((sync / 1000000)) ms," \
		"the longest of $(wc -l <"$tmp/reads") reads" \
		"$(($(longest pread "$tmp/reads") / 1000000)) ms," \
		"99 percent $((with / 1000)) us, of $(wc -l <"$tmp/alone") without flushes" \
		"$(($(percentile 99 pread "$tmp/alone") / 1000)) us, half of those $((half / 1000)) us"
}
body() {
	local mode late ratio try bad=0 slower=''
	for mode in buffered direct; do
		# Each flush would hold up one, in each round; anybody may be late once, and the
		# machine be busy for a round.
		for ((try = 0; try < 3; try++)); do
			round "$mode"
			if [[ $late -le 1 && $ratio -le $most ]] || under_test_is_c; then break; fi
		done
		[[ $late -le 1 ]] || bad=$((bad + late))
		[[ $ratio -le $most ]] || slower+=" $mode, $ratio times;"
	done
	expect "reads that took more than a quarter of an fsync" 0 "$bad"
	expect "what 99 percent of the reads take with flushes, to the same without" '' "$slower"
}
with_c_loop body
