#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: the ioctls and settings of a bound device with each allocation, and each copy from or to
# user space, failing in turn: an errno that says so, the device as before, and
# afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
without_udev
dir=$(make_backing ext4 16)
truncate -s 1M "$dir/image" "$dir/other"
on_exit restore_devices
on_exit detach_all
for operation in set_status set_status64 get_status get_status64 change_fd set_block_size \
	set_direct_io set_capacity rescan sysfs; do
	fail_nth "$operation" "$dir/image" "$dir/other"
done
if ! under_test_is_c; then
	fail_nth error_policy "$dir/image"
	# If the file system can do without its cache.
	dev=$(attach "$dir/image")
	uncached=$( (set_to "$dev" uncached 1) 2>/dev/null && echo yes || echo no)
	detach "$dev"
	[[ $uncached == no ]] || fail_nth uncached "$dir/image"
fi
umount "$dir"
clean_unload
