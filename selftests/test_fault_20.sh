#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: attaching where each device has the policy `rewrite' from the start, which takes memory
# of its own, with each allocation failing in turn: an errno that says so, no half-attached
# device, and afterwards it works.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "needs rloop"
require_fault_injection failslab fail_page_alloc
without_udev
on_exit restore_module
eventually rmmod "$module"
insmod "$RLOOP" error_policy=rewrite
dir=$(make_backing tmpfs 16)
truncate -s 1M "$dir/image"
on_exit detach_all
dev=$(attach "$dir/image")
expect "error_policy" rewrite "$(setting "$dev" error_policy)"
detach "$dev"
fail_nth configure "$dir/image"
fail_nth clr_fd "$dir/image"
umount "$dir"
clean_unload
