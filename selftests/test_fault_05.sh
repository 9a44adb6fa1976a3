#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: loading the module with each allocation of its own failing in turn: it is
# not loaded, says why, gives all numbers back, and loads the next time.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "needs rloop"
require_fault_injection failslab fail_page_alloc
without_udev
on_exit restore_module
rmmod "$module"
# Hundreds: each time a third of them.
fail_some 3 insmod "$RLOOP"
[[ ! -d /sys/module/$module ]] || rmmod "$module"
insmod "$RLOOP"
clean_unload
