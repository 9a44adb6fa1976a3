#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: a device that is detached while mounted goes on until umount and is
# detached then.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 16M "$tmp/image"
dev=$(attach "$tmp/image")
make_fs ext4 "$dev"
settle
mount_at "$tmp/mnt" "$dev"
pattern 100000 >"$tmp/mnt/a"
losetup -d "$dev"
is_attached "$dev" || fail "detached under the file system"
expect "autoclear" 1 "$(attribute "$dev" autoclear)"
pattern 100000 2 >"$tmp/mnt/b"
sync -f "$tmp/mnt"
drop_caches
cmp "$tmp/mnt/a" <(pattern 100000)
cmp "$tmp/mnt/b" <(pattern 100000 2)
umount "$tmp/mnt"
eventually is_detached "$dev"

# All of it is in the file.
dev=$(attach "$tmp/image")
e2fsck -fn "$dev" >"$tmp/fsck" 2>&1 || fail "fsck: $(cat "$tmp/fsck")"
mount "$dev" "$tmp/mnt"
cmp "$tmp/mnt/b" <(pattern 100000 2)
umount "$tmp/mnt"
