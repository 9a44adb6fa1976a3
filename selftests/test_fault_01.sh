#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: making and removing devices with each allocation failing in turn: an errno
# that says so, and afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
without_udev
dir=$(make_backing tmpfs 16)
truncate -s 1M "$dir/image"
on_exit restore_devices
on_exit detach_all
# some N OPERATION: every Nth place, beginning with a random one.
some() {
	local step
	step=$(every "$1")
	fail_nth --first $((1 + SEED % step)) --step "$step" "$2" "$dir/image"
}
# Making a device has hundreds of places: each time the half of them. STRESS=2: all.
some 2 ctl_add
some 5 ctl_add_any
some 5 get_free_new
! has_autoload || some 5 open_missing
fail_nth get_free "$dir/image"
fail_nth ctl_remove "$dir/image"
clean_unload
umount "$dir"
