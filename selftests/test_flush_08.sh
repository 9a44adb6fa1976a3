#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: whoever else has already been told of a lost write, the next flush of the
# device is told, too.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(attach_mode buffered "$target")
expect "write to the backing file" "4096" \
	"$(fdio "$dev:rw,direct" pwrite:8192:4096:1 | results)"
dm_switch "$target" "$(error_table "$node")"
# The write is lost in the background, and found by somebody else.
expect "fsync of another descriptor" EIO "$(fdio "$target" fsync | results)"
dm_switch "$target" "$(linear "$node")"
expect "first and second flush of the device" "EIO 0" "$(fdio "$dev" fsync fsync | results)"
