#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: `losetup -d' detaches now or, while the device is open, on last close;
# `losetup -D' detaches all.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

truncate -s 1M "$tmp/image"
# It looks at a device that was open for writing once more, whenever it comes to it, and
# `udevadm settle' does not wait for that.
without_udev
dev=$(attach "$tmp/image")
losetup -d "$dev"
is_detached "$dev" || fail "still attached"
expect "size" 0 "$(size_of "$dev")"
expect_error ENXIO loopctl "$dev" clr_fd

dev=$(attach "$tmp/image")
exec 3<"$dev"
losetup -d "$dev"
is_attached "$dev" || fail "detached while it is open"
expect "autoclear" 1 "$(attribute "$dev" autoclear)"
dd if=/dev/fd/3 of=/dev/null bs=4k count=1 status=none
exec 3<&-
eventually is_detached "$dev"

a=$(attach "$tmp/image")
b=$(attach "$tmp/image")
[[ $a != "$b" ]] || fail "both are $a"
losetup -D
eventually is_detached "$a"
eventually is_detached "$b"
expect "attached devices" "" "$(attached_devices)"
