#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: attach, detach and a new size are told to user space: a change uevent of
# the disk.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

truncate -s 1M "$tmp/image"
dev=$(free_device)
name=$(name_of "$dev")
# udev has a change told, too, whenever the device was open for writing.
without_udev
udevadm monitor --kernel --subsystem-match=block >"$tmp/events" &
monitor=$!
on_exit kill "$monitor"
eventually grep -q KERNEL "$tmp/events"
count() { grep -c "change .*/block/$name " "$tmp/events" || true; }
more() { [[ $(count) -gt $1 ]]; }
sleep 0.2

before=$(count)
detach_at_exit "$dev"
expect "configure" 0 "$(loopctl "$dev" configure "$tmp/image")"
eventually more "$before"
settle
sleep 0.2
before=$(count)
truncate -s 2M "$tmp/image"
expect "set_capacity" 0 "$(loopctl "$dev" set_capacity)"
eventually more "$before"
settle
sleep 0.2
before=$(count)
expect "clr_fd" 0 "$(loopctl "$dev" clr_fd)"
eventually more "$before"
