#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2: what a stable write is told of the flush of the disk below, which is not recorded
# with the backing file, the next flush tells, too: it is the loss of other writes.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver has no stable writes"
require_module dm_mod
node=$(ram_disk 64)
target=$(dm target "$(linear "$node")")
# A disk with a cache that can lose what is in it: another device, buffered.
lower=$(attach_mode buffered "$target")
mkfs.ext4 -q -F -O ^has_journal "$lower"
mount_at "$tmp/mnt" "$lower"
dd if=/dev/zero of="$tmp/mnt/image" bs=1M count=1 conv=fsync status=none
truncate -s 8M "$tmp/mnt/image"
dev=$(attach_mode direct "$tmp/mnt/image")
# A write that allocates is made stable by a flush. The first one reads what that takes.
stable() { fdio "$dev:rw,direct,dsync" "pwrite:$1:4096:1" | results; }
expect "stable write" 4096 "$(stable 2097152)"
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
expect "write" 4096 "$(fdio "$dev:rw,direct" pwrite:8192:4096:7 | results)"
dm_switch "$target" "$(error_table "$node")"
expect "stable write elsewhere" EIO "$(stable 2113536)"
dm_switch "$target" "$(linear "$node")"
expect "two fsyncs" "EIO 0" "$(fdio "$dev" fsync fsync | results)"
