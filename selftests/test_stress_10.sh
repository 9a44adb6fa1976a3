#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: processes that use the device are frozen, by a control group and by the
# suspend test of the kernel, and go on afterwards; what was in flight completes
# without them.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

idle() { ! in_flight "$1"; }
body() {
	local mode=$1 dir dev group pid i before busy=0
	dir=$(make_backing tmpfs 16)
	truncate -s 8M "$dir/image"
	dev=$(attach_mode "$mode" "$dir/image")
	group=$(new_cgroup "$mode" cgroup.freeze=0)
	in_cgroup "$group" scan "$dev:direct" write --count 2048 --seed 1 --passes "$(scaled 12)" \
		--fsync --state "$tmp/state" >"$tmp/errors" &
	pid=$!
	stop_at_exit "$pid"
	for ((i = 0; i < 5; i++)); do
		sleep 0.1
		! kill -0 "$pid" 2>/dev/null || busy=$((busy + 1))
		echo 1 >"$group/cgroup.freeze"
		eventually grep -q '^frozen 1' "$group/cgroup.events"
		eventually idle "$dev"
		before=$(writes_done "$dev")
		# Others can use it meanwhile, and change it.
		expect "status" 0 "$(loopctl "$dev" set_direct_io "$((i % 2))")"
		[[ $i -ne 2 ]] || dd if="$dev" of=/dev/null bs=64k count=4 status=none
		expect "writes of frozen processes" "$before" "$(writes_done "$dev")"
		echo 0 >"$group/cgroup.freeze"
	done
	wait "$pid" || fail "scan"
	log "$mode: frozen $busy times in the middle of it"
	[[ $busy -gt 0 ]] || fail "it was over before it could be frozen"
	expect "errors" '' "$(<"$tmp/errors")"
	expect_silence scan "$dev:direct" read --count 2048 --state "$tmp/state"

	# Detached while a frozen process has it open: when that has closed it.
	in_cgroup "$group" sleep 1000 <"$dev" &
	pid=$!
	stop_at_exit "$pid"
	eventually grep -q . "$group/cgroup.procs"
	echo 1 >"$group/cgroup.freeze"
	losetup -d "$dev"
	is_attached "$dev" || fail "detached while open"
	expect_silence scan "$dev:direct" read --count 2048 --state "$tmp/state"
	echo 1 >"$group/cgroup.kill"
	echo 0 >"$group/cgroup.freeze"
	stop "$pid"
	eventually is_detached "$dev"
	rm "$tmp/state"
	umount "$dir"
}
each_mode body

# The kernel's own freezer: all of user space stops for a moment.
suspend() {
	local dir dev pid i busy=0
	require_freezer 1 "control groups froze it all right"
	dir=$(make_backing tmpfs 16)
	truncate -s 8M "$dir/image"
	dev=$(attach "$dir/image")
	scan "$dev:direct" write --count 2048 --seed 1 --passes "$(scaled 8)" --fsync \
		--state "$tmp/state" >"$tmp/errors" &
	pid=$!
	stop_at_exit "$pid"
	for ((i = 0; i < 2; i++)); do
		sleep 0.2
		! kill -0 "$pid" 2>/dev/null || busy=$((busy + 1))
		freeze_all
	done
	wait "$pid" || fail "scan"
	expect "errors" '' "$(<"$tmp/errors")"
	expect_silence scan "$dev:direct" read --count 2048 --state "$tmp/state"
	log "the kernel's freezer: $busy times in the middle of it"
	[[ $busy -gt 0 ]] || fail "it was over before all was frozen"
	detach "$dev"
	umount "$dir"
}
suspend
clean_unload
