#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: attaching, opening, detaching and closing with each allocation failing in turn: an
# errno that says so and no half-attached device, and afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
without_udev
on_exit restore_devices
on_exit detach_all
for fs in tmpfs ext4; do
	dir=$(make_backing "$fs" 16)
	truncate -s 1M "$dir/image"
	for operation in open configure configure_direct configure_scan configure_read_only set_fd clr_fd \
		close_autoclear; do
		fail_nth "$operation" "$dir/image"
	done
	# Nothing holds the file.
	umount "$dir"
done
clean_unload
