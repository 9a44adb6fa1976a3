#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8, P12: whoever looks for a free device does not wait for one that is busy, not even
# while that is to be removed.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

dir=$(make_backing ext4 32)
truncate -s 8M "$dir/image"
without_udev
dev=$(attach "$dir/image")
thaw() { fsfreeze -u "$dir"; }
# A dirty page of the device, which a new offset has to write first.
exec 9<>"$dev"
printf x >&9
fsfreeze -f "$dir"
on_exit thaw
loopctl "$dev" set_status64 offset=4096 >"$tmp/moved" &
eventually in_flight "$dev"
loopctl "$(control)" ctl_remove "${dev#/dev/"$LOOP"}" >"$tmp/removed" &
sleep 0.5
loopctl "$(control)" ctl_get_free >"$tmp/free" &
eventually test -s "$tmp/free"
[[ ! -s $tmp/moved ]] || fail "nothing was waited for"
thaw
wait
expect "set_status64, ctl_remove" "0 EBUSY" "$(paste -d' ' "$tmp/moved" "$tmp/removed")"
exec 9>&-
