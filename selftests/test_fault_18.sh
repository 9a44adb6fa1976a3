#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10, P12: the ioctls by the kernel's 32-bit entry with each allocation, and each copy from
# or to user space, failing in turn: an errno that says so, and afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
status=0
loopctl --compat "$(control)" ctl_get_free >/dev/null || status=$?
[[ $status -ne 4 ]] || skip "the kernel has no 32-bit entry"
expect "status of ctl_get_free by the 32-bit entry" 0 "$status"
without_udev
dir=$(make_backing ext4 16)
truncate -s 1M "$dir/image" "$dir/other"
on_exit restore_devices
on_exit detach_all
for operation in configure set_fd set_status set_status64 get_status get_status64 change_fd \
	set_block_size set_direct_io set_capacity clr_fd ctl_remove; do
	fail_nth --entry 32 "$operation" "$dir/image" "$dir/other"
done
umount "$dir"
clean_unload
