#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5: whoever watches the file system below by syncfs is told of a loss of the device.
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
steps 1 "$tmp/mnt:ro" syncfs syncfs syncfs
expect "syncfs before" 0 "$(step 1)"
steps 2 "$dev:rw,direct" pwrite:8192:4096:7 fsync
expect "write" 4096 "$(step 2)"
dm_switch "$target" "$(error_table "$node")"
expect "fsync of the device" EIO "$(step 2)"
dm_switch "$target" "$(linear "$node")"
expect "syncfs below" EIO "$(step 1)"
expect "the next one" 0 "$(step 1)"
wait
