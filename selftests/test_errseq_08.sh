#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P4: attaching with direct I/O syncs the backing file; an error of that fails the
# attach, and whoever has the file open is told, too.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(free_device)
steps 0 "$target" pwrite:4096:4096:1 fsync fsync
expect "write" 4096 "$(step 0)"
dm_switch "$target" "$(error_table "$node")"
expect_failure losetup --direct-io=on "$dev" "$target"
is_detached "$dev" || fail "$dev is attached"
dm_switch "$target" "$(linear "$node")"
expect "fsync of the backing file" EIO "$(step 0)"
expect "the next one" 0 "$(step 0)"
wait
detach_at_exit "$dev"
losetup --direct-io=on "$dev" "$target"
settle
expect "fsync of the device" 0 "$(fdio "$dev" fsync | results)"
