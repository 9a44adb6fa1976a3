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
# Making a device has hundreds of places: each time the half of them.
fail_some 2 ctl_add "$dir/image"
fail_some 5 ctl_add_any "$dir/image"
fail_some 5 get_free_new "$dir/image"
! has_autoload || fail_some 5 open_missing "$dir/image"
fail_nth get_free "$dir/image"
fail_nth ctl_remove "$dir/image"
clean_unload
umount "$dir"
