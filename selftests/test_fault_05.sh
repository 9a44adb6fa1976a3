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
# The last ones are those of the module's own initialisation, and of its end.
fail_nth --last "$(scaled 120)" insmod "$RLOOP"
fail_nth --step 23 --last 4000 insmod "$RLOOP"
[[ -d /sys/module/$module ]] || insmod "$RLOOP"
clean_unload
