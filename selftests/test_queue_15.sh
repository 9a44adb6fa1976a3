#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: who has one request in flight is served on its own processor, who has many is not.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "needs rloop"
require_tool fio taskset
[[ ! -e /proc/lockdep ]] || skip "this kernel takes longer to wake a thread than is taken for late"
! grep -qsF '(full)' /sys/kernel/debug/sched/preempt ||
	skip "with preempt=full the worker comes before its submitter has gone to sleep"
tracing=/sys/kernel/tracing
[[ -d $tracing/instances ]] || skip "no tracefs"
[[ -d $tracing/events/workqueue/workqueue_queue_work ]] ||
	skip "the kernel does not trace workqueue_queue_work"
trace=$tracing/instances/$TID-$$
event=$trace/events/workqueue/workqueue_queue_work
mkdir "$trace"
on_exit rmdir "$trace"
on_exit bash -c "echo 0 >$event/enable"
echo 'workqueue == "rloop_here"' >"$event/filter"
# Not tmpfs, of which nothing can be read without perhaps waiting.
dir=$(make_backing ext4 16)
dd if=/dev/urandom of="$dir/image" bs=1M count=4 status=none
# served_here COMMAND…: how many work items are queued for the processor meanwhile.
served_here() {
	: >"$trace/trace"
	echo 1 >"$event/enable"
	taskset -c 0 "$@" >"$tmp/output"
	echo 0 >"$event/enable"
	grep -c workqueue_queue_work "$trace/trace" || true
}
reads=()
for ((i = 0; i < 104; i++)); do reads+=("pread:$((i * 8192)):4096"); done
# Who once waited too long for its processor is served elsewhere for long; with a slow machine
# that takes no more than a moment, with another attach it is forgotten.
one=0
for ((try = 0; try < 20 && one < 90; try++)); do
	dev=$(attach_mode buffered "$dir/image")
	now=$(served_here fdio "$dev:ro,direct" "${reads[@]}")
	expect "reads that failed" 0 "$(awk '$4 != 4096' "$tmp/output" | wc -l)"
	log "$now of ${#reads[@]} reads one at a time"
	one=$((now > one ? now : one))
	many=$(served_here fio --name=many --filename="$dev" --readonly --rw=randread --bs=4k \
		--direct=1 --ioengine=libaio --iodepth=32 --size=4M --minimal)
	log "$many of 1024 reads, 32 at once"
	[[ $many -lt 512 ]] || fail "$many of 1024 reads of somebody with 32 in flight"
	detach "$dev"
done
note "one at a time $one of ${#reads[@]}, 32 at once $many of 1024"
[[ $one -ge 90 ]] || fail "$one of ${#reads[@]} reads are served on the processor that they come from"
