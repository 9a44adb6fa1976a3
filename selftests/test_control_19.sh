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
printed() { [[ -s $1 ]]; }
stick "$dev" "$dir"
loopctl "$dev" get_status64 >"$tmp/status" &
eventually printed "$tmp/status"
grep -qx offset=512 "$tmp/status" || fail "$(<"$tmp/status")"
loopctl "$(control)" ctl_remove "${dev##*"$LOOP"}" >"$tmp/removed" &
eventually printed "$tmp/removed"
expect "ctl_remove" EBUSY "$(<"$tmp/removed")"
unstick "$dir"
