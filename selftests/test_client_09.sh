#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: udisks sets up a device for a file, knows its properties, and deletes it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "udisks takes the devices called loop"
require_tool udisksctl dbus-daemon
udisksd=/usr/libexec/udisks2/udisksd
[[ -x $udisksd ]] || skip "no $udisksd"
mkdir -p /run/dbus
bus=org.freedesktop.DBus
if ! dbus-send --system --dest="$bus" / "$bus.ListNames" 2>/dev/null; then
	rm -f /run/dbus/pid /run/dbus/system_bus_socket
	pid=$(dbus-daemon --system --fork --nopidfile --print-pid)
	on_exit kill "$pid"
fi
"$udisksd" >"$tmp/log" 2>&1 &
on_exit kill "$!"
running() { udisksctl status >"$tmp/status" 2>&1; }
eventually running
truncate -s 16M "$tmp/image"
mkfs.ext4 -q -F -L label "$tmp/image"
udisks() {
	udisksctl "$@" --no-user-interaction >"$tmp/output" 2>&1 ||
		fail "udisksctl $1: $(cat "$tmp/output" "$tmp/log")"
}
udisks loop-setup --file "$tmp/image" --offset 0
dev=$(sed -n 's/^Mapped file .* as \(.*\)\.$/\1/p' "$tmp/output")
[[ -b $dev ]] || fail "$(cat "$tmp/output")"
detach_at_exit "$dev"
settle
expect "backing_file" "$tmp/image" "$(attribute "$dev" backing_file)"
# It hears of what udev has found at the same time as we do.
knows() {
	udisksctl info --block-device "$dev" >"$tmp/output" && grep -q "$1" "$tmp/output"
}
eventually knows "BackingFile: *$tmp/image"
eventually knows "IdLabel: *label"
udisks loop-delete --block-device "$dev"
eventually is_detached "$dev"
# Autoclear: gone when it is unmounted.
udisks loop-setup --file "$tmp/image" --read-only
dev=$(sed -n 's/^Mapped file .* as \(.*\)\.$/\1/p' "$tmp/output")
detach_at_exit "$dev"
settle
expect "ro" 1 "$(blockdev --getro "$dev")"
udisks loop-delete --block-device "$dev"
eventually is_detached "$dev"
