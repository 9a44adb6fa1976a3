#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8, P12: however many requests of however many devices wait for their files, beyond the
# first worker of each device there are 256 for all of them together.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver has one worker"
require_module dm_delay
require_tool fio
devices=4 depth=128 extra=256
node=$(ram_disk 48)
third=$(($(sectors_of "$node") / 3))
gate=$(dm gate "0 $third linear $node 0")
# A disk that cannot say that it would have to wait (a delay cannot), so that each
# buffered read has a worker.
disk=$(dm disk "0 $third linear $gate 0
$third $third delay $node $third 0")
without_udev
export DM_DISABLE_UDEV=1
load_with queues=1 queue_depth=$depth workers=$depth
share=$((third * 512 / devices / 4096 * 4096))
jobs=()
for ((number = 0; number < devices; number++)); do
	dev=$(attach_mode buffered "$disk" --offset=$((number * share)) --sizelimit=$share)
	jobs+=("--name=$number" "--filename=$dev")
done
drop_caches
# Kernel threads are the children of kthreadd.
threads() { pgrep -c -P 2; }
more() { echo $(($(threads) - before)); }
have_come() { [[ $(more) -ge $((extra - 50)) ]]; }
open_gate() { dmsetup resume "$gate"; }
on_exit open_gate
before=$(threads)
dmsetup suspend --noflush "$gate"
# All of the depth at once, in places that cannot be merged.
fio --rw=read:12k --bs=4k --direct=1 --ioengine=libaio --iodepth=$depth --iodepth_batch=$depth \
	--size=$((depth * 16))k --minimal "${jobs[@]}" >"$tmp/fio" 2>&1 &
pid=$!
stop_at_exit "$pid"
# Some were there and had nothing to do.
eventually have_come
# Until no more come.
until now=$(more) && sleep 1 && [[ $(more) -le $now ]]; do :; done
log "kernel threads: $before, and $now more with $((devices * depth)) requests that wait"
# The pools of workers breathe a little by themselves.
[[ $now -le $((devices + extra + 20)) ]] || fail "$now workers"
open_gate
wait "$pid" || fail "fio: $(head -c 2000 "$tmp/fio")"
