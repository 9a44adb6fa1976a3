#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: I/O with each allocation of the caller failing in turn: success, or an errno
# that says so; nothing stuck, and afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
without_udev
dir=$(make_backing ext4 16)
truncate -s 1M "$dir/image"
on_exit restore_devices
on_exit detach_all
for operation in read write fsync discard read_odirect write_odirect direct_read_odirect \
	direct_write_odirect direct_fsync; do
	fail_nth "$operation" "$dir/image"
done
umount "$dir"
clean_unload
