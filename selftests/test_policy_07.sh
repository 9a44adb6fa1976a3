#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: the parameter error_policy: what a device is attached with; bad values are refused.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

on_exit restore_module
eventually rmmod "$module"
expect_failure insmod "$RLOOP" error_policy=nonsense
expect_log "error_policy" nonsense report sticky rewrite
insmod "$RLOOP" error_policy=rewrite
settle
truncate -s 1M "$tmp/image"
dev=$(attach "$tmp/image")
expect "error_policy" rewrite "$(setting "$dev" error_policy)"
expect "write and fsync" "4096 0" "$(fdio "$dev:rw,direct" pwrite:0:4096:1 fsync | results)"
detach "$dev"
