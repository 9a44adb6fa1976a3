#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: a read that waits in a worker holds up none that comes later, whichever tag that
# has, and whichever worker is called for it.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver has one worker"
require_module dm_delay
require_tool fio
node=$(ram_disk 24)
third=$(($(sectors_of "$node") / 3))
gates=()
for number in 0 1; do
	gates+=("$(dm "gate$number" "0 $third linear $node $((number * third))")")
done
# A disk that cannot say that it would have to wait (a delay cannot), so that each
# buffered read has a worker.
disk=$(dm disk "0 $third linear ${gates[0]} 0
$third $third linear ${gates[1]} 0
$((2 * third)) $third delay $node $((2 * third)) 0")
without_udev
export DM_DISABLE_UDEV=1
load_with queues=1 queue_depth=16 workers=4
dev=$(attach_mode buffered "$disk")
drop_caches
are_in_flight() { reads_in_flight "$dev" && [[ $in_flight_now -eq $1 ]]; }
open_gates() {
	local gate
	for gate in "${gates[@]}"; do dmsetup resume "$gate"; done
}
# read_at SECTOR: in the background; its result is in $tmp/reads.
read_at() { fdio "$dev:ro,direct" "pread:$(($1 * 512)):4096" >>"$tmp/reads" & }
on_exit open_gates
dmsetup suspend --noflush "${gates[0]}"
dmsetup suspend --noflush "${gates[1]}"
# All workers wait at the first gate, and one more read, that at the second, for them.
for number in 0 1 2 3; do
	read_at $((number * 1024 + 1024))
	eventually are_in_flight $((number + 1))
done
read_at $((third + 1024))
eventually are_in_flight 5
dmsetup resume "${gates[0]}"
eventually are_in_flight 1
# One of the workers has that read now. All other tags at once, again and again.
timeout --kill-after=5 60 fio --name=others --filename="$dev" --rw=randread --bs=4k --direct=1 \
	--ioengine=libaio --iodepth=15 --iodepth_batch=15 --iodepth_batch_complete_min=15 \
	--offset=$((2 * third * 512)) --size=4M --io_size=2M --minimal >"$tmp/fio" 2>&1 ||
	fail "other reads do not end while one waits: $(head -c 2000 "$tmp/fio")"
are_in_flight 1 || fail "the one that waits has ended"
dmsetup resume "${gates[1]}"
wait
expect "reads that failed" 0 "$(awk '$4 != 4096' "$tmp/reads" | wc -l)"
