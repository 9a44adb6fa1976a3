#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2, P3: with a file of an overlay a loss is told as with any other: by the next flush
# and only that, also if a write with O_DSYNC (FUA) was told of it before.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver tells one descriptor only"
require_module dm_mod
require_module overlay
node=$(ram_disk 32)
good=$(linear "$node")
target=$(dm target "$good")
# Nothing of it but the file's blocks is written while they are bad.
mkfs.ext4 -q -F -b 4096 -O ^has_journal -E lazy_itable_init=0 "$target"
mount_at "$tmp/disk" -o noatime,lazytime "$target"
mkdir "$tmp/disk/lower" "$tmp/disk/upper" "$tmp/disk/work"
pattern 1048576 >"$tmp/disk/upper/image"
sync -f "$tmp/disk"
filefrag -b4096 -v "$tmp/disk/upper/image" >"$tmp/extents"
expect "extents" 1 "$(grep -c '^ *[0-9]*:' "$tmp/extents")"
start=$(awk '$1 == "0:" { sub(/\.\./, "", $4); print $4 * 8 }' "$tmp/extents")
total=$(sectors_of "$node")
bad="0 $start linear $node 0
$start 2048 error
$((start + 2048)) $((total - start - 2048)) linear $node $((start + 2048))"
mount_overlay "$tmp/disk" "$tmp/merged"
dev=$(attach_mode buffered "$tmp/merged/image")

# A flush.
steps 0 "$dev:rw,direct" pwrite:8192:4096:7 fsync fsync pwrite:8192:4096:8 fsync
expect "write" 4096 "$(step 0)"
dm_switch "$target" "$bad"
expect "fsync" EIO "$(step 0)"
expect "fsync after that" 0 "$(step 0)"
dm_switch "$target" "$good"
expect "write" 4096 "$(step 0)"
expect "fsync" 0 "$(step 0)"
wait

# A stable write comes first.
new_steps
steps 0 "$dev:rw,direct" pwrite:8192:4096:7 fsync fsync fsync
steps 1 "$dev:rw,direct,dsync" pwrite:65536:4096:8 pwrite:65536:4096:8 pwrite:65536:4096:8
expect "write" 4096 "$(step 0)"
dm_switch "$target" "$bad"
expect "sync of the upper file by somebody else" EIO "$(fdio "$tmp/disk/upper/image" fsync | results)"
expect "stable write" EIO "$(step 1)"
dm_switch "$target" "$good"
expect "fsync of the other writer" EIO "$(step 0)"
# Each is told once more, by the record, as another one had the device open.
step 0 >&2
step 1 >&2
expect "stable write after that" 4096 "$(step 1)"
expect "fsync after that" 0 "$(step 0)"
wait
cmp "$dev" "$tmp/disk/upper/image"
