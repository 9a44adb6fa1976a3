#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: attaching a device whose file is another loop device, with each allocation failing in
# turn: an errno that says so, neither device half attached, and afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
without_udev
dir=$(make_backing tmpfs 16)
truncate -s 1M "$dir/image"
on_exit restore_devices
on_exit detach_all
lower=$(attach "$dir/image")
upper=$(free_device)
for operation in configure configure_direct clr_fd; do
	fail_nth --number "${upper#"/dev/$LOOP"}" "$operation" "$lower"
done
# Nothing holds the lower one, and the lower one not the file.
detach "$lower"
umount "$dir"
clean_unload
