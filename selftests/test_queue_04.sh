#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: slow flushes do not hold up reads. (The C driver's reads wait for them.)
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_module dm_delay
# Without a cache there is nothing to be flushed.
node=$(ram_disk 32 cache_size=8)
# Flushes take their time, reads and writes do not.
slow=$(dm slow "0 $(sectors_of "$node") delay $node 0 0 $node 0 0 $node 0 800")
# round MODE: sets late.
round() {
	local mode=$1 dev i sync operations=()
	for ((i = 0; i < 5; i++)); do
		operations+=("pwrite:$((i * 65536)):4096:$i" fsync)
	done
	drop_caches
	dev=$(attach_mode "$mode" "$slow")
	fdio "$dev" "${operations[@]}" >"$tmp/syncs" &
	reads_while "$!" "$tmp/reads" "$dev" 4194304 25165824
	wait "$!"
	expect "writes and fsyncs" "$(printf '4096 0 %.0s' {1..5})" "$(results <"$tmp/syncs") "
	detach "$dev"
	sync=$(shortest fsync "$tmp/syncs")
	late=$(longer_than $((sync / 4)) "$tmp/reads")
	note "$(driver), $mode: an fsync takes $((sync / 1000000)) ms," \
		"the longest of $(wc -l <"$tmp/reads") reads" \
		"$(($(longest pread "$tmp/reads") / 1000000)) ms"
}
body() {
	local mode late try bad=0
	for mode in buffered direct; do
		# Each flush would hold up one, in each round; anybody may be late once, and the
		# machine be busy for a round.
		for ((try = 0; try < 3; try++)); do
			round "$mode"
			if [[ $late -le 1 ]] || under_test_is_c; then break; fi
		done
		[[ $late -le 1 ]] || bad=$((bad + late))
	done
	expect "reads that took more than a quarter of an fsync" 0 "$bad"
}
with_c_loop body
