#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: whoever opens or closes a device does not wait for an ioctl that waits for I/O.
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
head -c 1 "$dev" >"$tmp/read" &
reader=$!
sleep 1
# Who reads may wait, but then can be killed.
kill -KILL "$reader" 2>/dev/null || true
for ((i = 0; i < 100; i++)); do
	[[ -e /proc/$reader ]] || break
	sleep 0.1
done
[[ ! -e /proc/$reader ]] || fail "it cannot be killed: $(cat "/proc/$reader/stack")"
[[ ! -s $tmp/moved ]] || fail "nothing was waited for"
thaw
wait
expect "set_status64" 0 "$(<"$tmp/moved")"
exec 9>&-
