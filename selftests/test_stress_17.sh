#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8, P9: flushes of one device without end, with one worker for each workqueue, do not keep
# that worker from what other devices have to do.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "the C driver has a workqueue for each device"
require_module dm_mod
require_module dm_delay
[[ $(nproc) -ge 2 ]] || skip "one CPU, and so one hardware queue"
one_worker
node=$(ram_disk 8 cache_size=4)
# A flush takes so long that the next one is there before it has ended.
disk=$(dm slow "$(slow_flush_table "$node" 20)")
flushed=$(attach_mode direct "$disk")
[[ $(setting "$flushed" queues) -ge 2 ]] || fail "the device has one hardware queue"
dir=$(make_backing tmpfs 16)
truncate -s 8M "$dir/image"
other=$(attach_mode buffered "$dir/image")
# Each from a hardware queue of its own, which has one flush in flight at a time.
cat >"$tmp/flush.py" <<'PYTHON'
import os, sys
os.sched_setaffinity(0, [int(sys.argv[2])])
fd = os.open(sys.argv[1], os.O_RDWR)
while not os.path.exists(sys.argv[3]):
    os.fsync(fd)
PYTHON
for cpu in 0 1; do
	python3 "$tmp/flush.py" "$flushed" "$cpu" "$tmp/enough" &
	stop_at_exit "$!"
done
on_exit touch "$tmp/enough"
syncs() { setting "$flushed" stats | sed -n 's/^syncs //p'; }
many_syncs() { [[ $(syncs) -gt 20 ]]; }
eventually many_syncs
# The words are for the inner shell.
# shellcheck disable=SC2016
timeout 100 bash -c 'scan "$1" write --count 512 --fsync && blkdiscard -f -l 65536 "$1"' \
	others "$other" >"$tmp/output" 2>&1 || fail "the other device did not get its turn: $(<"$tmp/output")"
log "$(syncs) syncs meanwhile"
: >"$tmp/enough"
wait
detach "$flushed"
detach "$other"
umount "$dir"
clean_unload
