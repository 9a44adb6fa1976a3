#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: an ioctl that waits for I/O of a device keeps nobody from asking how that is configured,
# nor from being told that it cannot be removed.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

# With the C driver both wait.
! under_test_is_c || skip "the C driver does not promise that"
dir=$(make_backing ext4 32)
truncate -s 8M "$dir/image"
without_udev
dev=$(attach "$dir/image" -o 512)
thaw() { fsfreeze -u "$dir"; }
printed() { [[ -s $1 ]]; }
# A dirty page of the device, which a new offset has to write first.
exec 3<>"$dev"
printf x >&3
fsfreeze -f "$dir"
on_exit thaw
loopctl "$dev" set_status64 offset=4096 >"$tmp/moved" &
eventually in_flight "$dev"
loopctl "$dev" get_status64 >"$tmp/status" &
eventually printed "$tmp/status"
grep -qx offset=512 "$tmp/status" || fail "$(<"$tmp/status")"
loopctl "$(control)" ctl_remove "${dev##*"$LOOP"}" >"$tmp/removed" &
eventually printed "$tmp/removed"
expect "ctl_remove" EBUSY "$(<"$tmp/removed")"
! printed "$tmp/moved" || fail "nothing was waited for"
thaw
wait
expect "set_status64" 0 "$(<"$tmp/moved")"
exec 3>&-
