#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5: those who look at the backing file from below, a descriptor that was open
# before, one opened by chance and another device, are told just what they would be
# without the driver.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(attach_mode buffered "$target")
other=$(attach_mode buffered "$target")
steps 1 "$target" fsync fsync
steps 2 "$other" fsync fsync
steps 3 "$dev" pwrite:8192:4096:7 fsync fsync
expect "write" 4096 "$(step 3)"
dm_switch "$target" "$(error_table "$node")"
expect "fsync of the device" EIO "$(step 3)"
dm_switch "$target" "$(linear "$node")"
expect "fsync of the device, which only one has open" 0 "$(step 3)"
expect "fsync of the backing file" EIO "$(step 1)"
expect "fsync of a descriptor opened after somebody was told" 0 "$(fdio "$target" fsync | results)"
expect "second fsync of the backing file" 0 "$(step 1)"
expect "fsync of the other device" EIO "$(step 2)"
expect "second fsync of the other device" 0 "$(step 2)"
wait
