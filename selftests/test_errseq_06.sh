#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P4: switching direct I/O on syncs the backing file; the error that finds is told to
# the caller, and to everybody who has the device open.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(attach_mode buffered "$target")
for i in 0 1; do
	steps "$i" "$dev:rw,direct" "pwrite:$((i * 8192)):4096:7" fsync fsync
	expect "write of $i" 4096 "$(step "$i")"
done
dm_switch "$target" "$(error_table "$node")"
expect_error EIO loopctl "$dev" set_direct_io 1
dm_switch "$target" "$(linear "$node")"
expect "fsync of the first" EIO "$(step 0)"
expect "fsync of the second" EIO "$(step 1)"
expect "second fsync of the second" 0 "$(step 1)"
expect "dio" 0 "$(attribute "$dev" dio)"
loopctl "$dev" set_direct_io 1
expect "dio" 1 "$(attribute "$dev" dio)"
step 0
wait
