#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1, P6: direct I/O to a disk that has a write cache and knows no FUA: its driver ends stable writes
# from within its flushes, with their lock held.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

node=$(ram_disk 64 cache_size=4 fua=0)
dev=$(attach_mode direct "$node")
make_fs ext4 "$dev"
mkdir "$tmp/mnt"
mount_at "$tmp/mnt" "$dev"
for i in 1 2 3 4 5; do
	pattern 100000 "$i" >"$tmp/mnt/file$i"
	sync "$tmp/mnt/file$i"
	fdio "$dev:ro" fsync >/dev/null
done
umount "$tmp/mnt"
mount_at "$tmp/mnt" "$dev"
for i in 1 2 3 4 5; do
	pattern 100000 "$i" | cmp - "$tmp/mnt/file$i"
done
umount "$tmp/mnt"
e2fsck -fn "$dev" >"$tmp/output" 2>&1 || fail "$(<"$tmp/output")"
