#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: an ioctl that waits for I/O of one device keeps nobody from detaching another, and
# whoever waits for that ioctl can be killed.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

dir=$(make_backing ext4 32)
truncate -s 8M "$dir/image" "$tmp/other"
without_udev
stuck=$(attach "$dir/image")
other=$(attach "$tmp/other")
stick "$stuck" "$dir"
losetup -d "$stuck" &
waiter=$!
loopctl "$stuck" set_capacity >"$tmp/set" &
second=$!
sleep 1
! ended "$waiter" || fail "losetup -d does not wait"
! ended "$second" || fail "set_capacity does not wait"
# The C driver has one more lock, which the waiter holds.
if ! under_test_is_c; then
	losetup -d "$other" &
	eventually ended "$!"
	is_detached "$other" || fail "the other device is not detached"
fi
kill -KILL "$waiter" "$second"
eventually ended "$waiter"
eventually ended "$second"
is_attached "$stuck" || fail "it is detached by who was killed"
unstick "$dir"
expect "offset" 4096 "$(attribute "$stuck" offset)"
expect "autoclear" 0 "$(attribute "$stuck" autoclear)"
