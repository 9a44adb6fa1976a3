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
on_exit remove_all
on_exit detach_all
for operation in ctl_add ctl_remove get_free; do
	fail_nth "$operation" "$dir/image"
done
clean_unload
umount "$dir"
