#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: a device whose attaching waits for the device below is not offered as a free one, and
# whoever wants that very device, too, can be killed.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "there attaching does not look at the device below"
dir=$(make_backing ext4 32)
truncate -s 8M "$dir/image" "$tmp/other"
without_udev
stuck=$(attach "$dir/image")
stick "$stuck" "$dir"
dev=$(free_device)
detach_at_exit "$dev"
losetup "$dev" "$stuck" &
waiter=$!
sleep 1
! ended "$waiter" || fail "attaching to the device does not wait"
[[ $(free_device) != "$dev" ]] || fail "$dev is offered as free"
other=$(losetup -f --show "$tmp/other")
detach_at_exit "$other"
losetup "$dev" "$tmp/other" &
second=$!
sleep 1
! ended "$second" || fail "attaching another file does not wait"
kill -KILL "$second"
eventually ended "$second"
unstick "$dir"
wait "$waiter" || fail "attaching to the device"
is_attached "$dev" || fail "$dev is not attached"
detach "$dev"
