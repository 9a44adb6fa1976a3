#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: who was to be served on a processor that a real-time task has taken holds up nobody.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

[[ $(nproc) -gt 1 ]] || skip "needs two processors"
dir=$(make_backing ext4 32)
dd if=/dev/urandom of="$dir/image" bs=1M count=16 conv=fsync status=none
if ! under_test_is_c; then
	load_with queues=1
	# Where unbound workers run is the scheduler's business, which may put them behind a real-time task.
	cpus=/sys/devices/virtual/workqueue/rloop/cpumask
	[[ -w $cpus ]] || skip "no $cpus"
	echo 1 >"$cpus"
fi
# One task reads on processor 1, one read after the other, which after a while is taken by another
# task. How long takes the longest read on processor 0 meanwhile, in percent of that while?
cat >"$tmp/hogged.py" <<'PYTHON'
import mmap, os, random, signal, sys, time

device = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
page = mmap.mmap(-1, 4096)
while_ns = 300_000_000


def read(first):
    """One of 1024 blocks."""
    start = time.monotonic_ns()
    if os.preadv(device, [page], (first + random.randrange(1024)) * 4096) != 4096:
        sys.exit("short read")
    return time.monotonic_ns() - start


def child(body):
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {1})
        body()
        os._exit(0)
    return pid


def read_all_the_time():
    while True:
        read(0)


def take_processor():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    time.sleep(0.3)
    end = time.monotonic_ns() + while_ns
    while time.monotonic_ns() < end:
        pass


os.sched_setaffinity(0, {0})
# Takes no time from the other before it takes all.
hog = child(take_processor)
reader = child(read_all_the_time)
longest = 0
while os.waitpid(hog, os.WNOHANG)[0] == 0:
    longest = max(longest, read(2048))
    time.sleep(0.005)
os.kill(reader, signal.SIGKILL)
os.waitpid(reader, 0)
print(longest * 100 // while_ns)
PYTHON
late=0
for ((round = 0; round < 12; round++)); do
	# Anew, as a driver may learn from the first time.
	dev=$(attach_mode buffered "$dir/image")
	dd if="$dev" of=/dev/null bs=1M iflag=direct status=none
	longest=$(python3 "$tmp/hogged.py" "$dev")
	detach "$dev"
	log "$longest %"
	[[ $longest -lt 33 ]] || late=$((late + 1))
done
note "$(driver): in $late of $round rounds a read waited for a third of the time"
# The machine may be busy for one.
[[ $late -le 1 ]] || fail "in $late of $round rounds a read waited for a processor that it had nothing to do with"
umount "$dir"
