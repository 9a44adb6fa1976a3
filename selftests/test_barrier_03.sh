#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: the parameter flush_mode is what a device is attached with; bad values are refused, there
# and in sysfs.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

on_exit restore_module
eventually rmmod "$module"
expect_failure insmod "$RLOOP" flush_mode=nonsense
expect_log flush_mode nonsense drain barrier
insmod "$RLOOP" flush_mode=barrier
settle
truncate -s 1M "$tmp/image"
dev=$(attach "$tmp/image")
expect "flush_mode" barrier "$(setting "$dev" flush_mode)"
expect "write and fsync" "4096 0" "$(fdio "$dev:rw,direct" pwrite:0:4096:1 fsync | results)"
if (set_to "$dev" flush_mode other) 2>/dev/null; then
	fail "the mode other is accepted"
fi
expect_log "$(name_of "$dev")" flush_mode other drain barrier
expect "flush_mode" barrier "$(setting "$dev" flush_mode)"
detach "$dev"
