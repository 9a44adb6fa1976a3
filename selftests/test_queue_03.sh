#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P7: of requests that overlap each sees exactly those submitted before it, with four
# submitters and up to 32 requests of each in flight, by whichever hardware queues they come.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_module dm_delay
node=$(ram_disk 32)
# Reads and writes that overtake each other below, if they may.
late_writes=$(dm late_writes "$(slow_write_table "$node" 4)")
late_reads=$(dm late_reads "0 $(sectors_of "$node") delay $node 0 4 $node 0 0")
dir=$(make_backing ext4 32)
pattern 1048576 >"$dir/image"
# One for each processor.
under_test_is_c || load_with "queues=$(nproc)"
# So that reads of the backing file have to wait now and then, too.
evict() { while :; do drop_caches && sleep 0.1; done; }
body() {
	local mode=$1 file=$2 requests=$3 dev evicting crossing
	dev=$(attach_mode "$mode" "$file")
	under_test_is_c || expect "hardware queues" "$(nproc)" "$(setting "$dev" queues)"
	evict &
	evicting=$!
	stop_at_exit "$evicting"
	order "$dev" 4 "$requests" "$SEED" >"$tmp/order" || fail "order on $file, $mode, SEED=$SEED"
	stop "$evicting"
	crossing=$(awk '/ from another processor$/ { print $2 }' "$tmp/order")
	[[ $crossing -gt 0 || $(nproc) -eq 1 ]] || fail "no requests overlapped on different processors"
	[[ ! -e $(rloop_file "$dev" stats) ]] ||
		note "$mode, $(name_of "$file"): $crossing from another processor," \
			"$(grep -E 'ordered|woken|blocked' "$(rloop_file "$dev" stats)" | paste -sd' ')"
	detach "$dev"
}
each_mode body "$dir/image" "$(scaled 4000)"
each_mode body "$late_writes" "$(scaled 800)"
each_mode body "$late_reads" "$(scaled 800)"
