#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: what is written to sysfs while the device is given another configuration stays.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "needs rloop"
require_module dm_mod
require_module ext4
node=$(ram_disk 32)
below=$(dm below "$(linear "$node")")
make_fs ext4 "$below"
mount_at "$tmp/dir" -t ext4 "$below"
truncate -s 1M "$tmp/dir/image"
dd if=/dev/urandom of="$tmp/dir/image" bs=64k count=2 conv=notrunc status=none
without_udev
dev=$(attach "$tmp/dir/image")
# Nobody is there to be waited for.
resume() { dmsetup resume --noudevsync "$(basename "$below")"; }
on_exit resume
# set_meanwhile VALUE: while a new configuration waits for a read in flight.
set_meanwhile() {
	drop_caches
	dmsetup suspend --noflush --nolockfs --noudevsync "$(basename "$below")"
	dd if="$dev" of=/dev/null iflag=direct bs=4k count=1 status=none &
	eventually reading
	: >"$tmp/configured"
	loopctl "$dev" set_status64 name="was$1" >"$tmp/configured" &
	sleep 1
	[[ ! -s $tmp/configured ]] || fail "nothing was waited for"
	set_to "$dev" uncached "$1"
	resume
	wait
	expect "set_status64" 0 "$(<"$tmp/configured")"
	expect "uncached" "$1" "$(setting "$dev" uncached)"
}
reading() {
	reads_in_flight "$dev"
	((in_flight_now > 0))
}
set_meanwhile 1
set_meanwhile 0
set_to "$dev" uncached 1
detach "$dev"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$tmp/dir/image")"
expect "uncached once attached again" 0 "$(setting "$dev" uncached)"
