#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2: a write with O_DSYNC (FUA) that meets the error of another write fails, and does
# not take it away from the flush.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(attach_mode buffered "$target")
steps 0 "$dev:rw,direct" pwrite:8192:4096:7 fsync fsync fsync
steps 1 "$dev:rw,direct,dsync" pwrite:65536:4096:8 pwrite:65536:4096:8 pwrite:65536:4096:8
expect "write" 4096 "$(step 0)"
dm_switch "$target" "$(error_table "$node")"
# It loses its own, and the other's when that is written in the background.
expect "sync of the backing file by somebody else" EIO "$(fdio "$target" fsync | results)"
expect "stable write" EIO "$(step 1)"
dm_switch "$target" "$(linear "$node")"
expect "fsync of the other writer" EIO "$(step 0)"
expect "stable write, which is told of it by the record" EIO "$(step 1)"
expect "the next one" 4096 "$(step 1)"
# It is told by the record, too, as another one had the device open.
step 0
expect "fsync after that" 0 "$(step 0)"
wait
