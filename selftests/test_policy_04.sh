#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: with the policy `rewrite' a rewrite that is lost again is suspect again; a discard
# heals like a write; so does a reset.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 32)
target=$(dm target "$(linear "$node")")
mkfs.ext4 -q -F -O ^has_journal "$target"
mount_at "$tmp/mnt" "$target"
dd if=/dev/zero of="$tmp/mnt/image" bs=1M count=8 status=none
sync
dev=$(attach_mode buffered "$tmp/mnt/image")
set_to "$dev" error_policy rewrite
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
lose_writes "$dev" "$target" "$node" 8192 65536
lose_writes "$dev" "$target" "$node" 8192
expect "suspect" "16 8,128 8" "$(suspect "$dev")"
blkdiscard -f -o 8192 -l 4096 "$dev"
expect "suspect" "128 8" "$(suspect "$dev")"
expect "fsync" EIO "$(fdio "$dev" fsync | results)"
blkdiscard -f -o 65536 -l 4096 "$dev"
expect "suspect" "" "$(suspect "$dev")"
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
lose_writes "$dev" "$target" "$node" 8192
set_to "$dev" health reset
expect "suspect" "" "$(suspect "$dev")"
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
