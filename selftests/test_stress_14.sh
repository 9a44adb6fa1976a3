#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8, P9: more devices than there are workers lie on one other device: all of their
# I/O waits for that one, which must get a worker nevertheless.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

count=100
without_udev
dir=$(make_backing tmpfs 32)
truncate -s $((count * 64))K "$dir/image"
on_exit restore_devices
on_exit detach_all
below=/dev/$LOOP$(loopctl "$(control)" ctl_get_free)
expect "attaching $below" 0 "$(loopctl "$below" configure "$dir/image")"
# So that each read has to wait for the device below.
blockdev --setra 0 "$below"
mkfifo "$tmp/go"
many "$LOOP" "$below" "$count" 65536 4 "$(scaled 2)" buffered <"$tmp/go" >"$tmp/said" &
pid=$!
stop_at_exit "$pid"
exec 3>"$tmp/go"
eventually grep -q attached "$tmp/said"
echo go >&3
# Slow is no failure, standing still is.
state=()
still=0
while ! grep -q 'done' "$tmp/said"; do
	kill -0 "$pid" || fail "many"
	sleep 1
	old=("${state[@]}")
	read -r -a state <"/sys/block/$(name_of "$below")/stat"
	# Reads and writes that completed.
	if [[ ${old[0]-} == "${state[0]}" && ${old[4]-} == "${state[4]}" ]]; then
		still=$((still + 1))
	else
		still=0
	fi
	if [[ $still -ge 15 ]]; then
		# What waits there for ever cannot be killed.
		fail "nothing moves: in flight below: $(paste -sd' ' "/sys/block/$(name_of "$below")/inflight")"
	fi
done
echo go >&3
wait "$pid" || fail "many"
exec 3>&-
detach_all
clean_unload
umount "$dir"
