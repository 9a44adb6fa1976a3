#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: policies can be switched while the device is bound: what has failed stays failed, and
# nothing else is forgotten. Attaching starts clean. Bad values are refused.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(attach_mode buffered "$target")
if (echo nonsense >"$(rloop_file "$dev" error_policy)") 2>/dev/null; then
	fail "the policy nonsense is accepted"
fi
expect_log "$(name_of "$dev")" error_policy nonsense report sticky rewrite
if (echo well >"$(rloop_file "$dev" health)") 2>/dev/null; then
	fail "the health well is accepted"
fi
lose_writes "$dev" "$target" "$node" 8192
set_to "$dev" error_policy sticky
expect "with sticky: write, fsync" "EIO EIO" \
	"$(fdio "$dev:rw,direct" pwrite:0:4096:1 fsync | results)"
set_to "$dev" error_policy rewrite
expect "with rewrite: write, fsync" "4096 EIO" \
	"$(fdio "$dev:rw,direct" pwrite:0:4096:1 fsync | results)"
expect "suspect" "8 32760" "$(suspect "$dev")"
set_to "$dev" error_policy report
expect "with report: write, fsync" "4096 0" \
	"$(fdio "$dev:rw,direct" pwrite:0:4096:1 fsync | results)"
set_to "$dev" health reset
# A loss of what was written before `rewrite' was switched on.
expect "write" 4096 "$(fdio "$dev:rw,direct" pwrite:8192:4096:1 | results)"
set_to "$dev" error_policy rewrite
lose_writes "$dev" "$target" "$node" 65536
expect "suspect" "0 32768" "$(suspect "$dev")"
detach "$dev"
losetup "$dev" "$target"
settle
expect "error_policy after another attach" report "$(setting "$dev" error_policy)"
expect "health after another attach" "state ok error 0 suspect 0" "$(health "$dev")"
