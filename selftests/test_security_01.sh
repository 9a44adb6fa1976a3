#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: files of procfs, sysfs and the like are refused with EINVAL, also when a
# device is to change its file.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
truncate -s 1M "$tmp/image"
dev=$(free_device)
name=$(name_of "$dev")
number=0
for file in /proc/version:ro /proc/self/comm /proc/kmsg:ro /sys/kernel/mm/ksm/run \
	/sys/kernel/debug/sleep_time:ro /sys/kernel/debug/clear_warn_once:wo \
	/sys/kernel/tracing/trace_marker /sys/kernel/tracing/tracing_on \
	/sys/fs/cgroup/cgroup.procs /sys/kernel/security/lsm:ro; do
	[[ -e ${file%:*} ]] || continue
	number=$((number + 1))
	# One that cannot be read is refused for that.
	wanted=EINVAL
	[[ $file != *:wo && $file != */trace_marker ]] || wanted="E(INVAL|BADF)"
	got=$(loopctl "$dev" set_fd "$file" || true)
	[[ $got =~ ^$wanted$ ]] || fail "$file: $got"
	is_detached "$dev" || fail "$file is attached"
done
[[ $number -ge 5 ]] || fail "there are no such files"
why="it is a view of the kernel's own state"
lines=$(kernel_log | grep -c "$name: file descriptor [0-9]*: $why, allowed:" || true)
[[ $lines -ge 4 ]] || under_test_is_c || fail "$lines lines in the kernel's log"

dev=$(attach "$tmp/image" -r)
expect_error EINVAL loopctl "$dev" change_fd /proc/version:ro
expect "backing file" "$tmp/image" "$(attribute "$dev" backing_file)"
