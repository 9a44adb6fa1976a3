#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: a CPU goes away and comes back under I/O: no request is lost or stuck.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

cpu=/sys/devices/system/cpu/cpu1/online
[[ -e $cpu ]] || skip "no second CPU that can be switched off"
on_exit bash -c "echo 1 >$cpu"
body() {
	local mode=$1 dir dev pid i=0
	dir=$(make_backing tmpfs 32)
	truncate -s 8M "$dir/image"
	dev=$(attach_mode "$mode" "$dir/image")
	scan "$dev:direct" write --count 2048 --seed 1 --passes "$(scaled 5)" --threads 8 \
		--fsync --state "$tmp/state" >"$tmp/errors" &
	pid=$!
	stop_at_exit "$pid"
	while kill -0 "$pid" 2>/dev/null; do
		echo 0 >$cpu
		echo 1 >$cpu
		i=$((i + 1))
	done
	wait "$pid"
	log "$mode: $i times off and on"
	[[ $i -ge 2 ]] || fail "the CPU went away only $i times"
	expect "errors" '' "$(<"$tmp/errors")"
	expect_silence scan "$dev:direct" read --count 2048 --state "$tmp/state"
	# Attached on one CPU, used on another that was not there.
	echo 0 >$cpu
	detach "$dev"
	dev=$(attach_mode "$mode" "$dir/image")
	echo 1 >$cpu
	expect_silence taskset -c 1 scan "$dev:direct" read --count 2048 --state "$tmp/state"
	detach "$dev"
	rm "$tmp/state"
	umount "$dir"
}
each_mode body
clean_unload
