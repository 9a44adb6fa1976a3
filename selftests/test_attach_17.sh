#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: `mount -o loop' attaches a file and umount detaches it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "mount takes /dev/loop* only"
truncate -s 16M "$tmp/image"
make_fs ext4 "$tmp/image"
mount_at "$tmp/mnt" -o loop "$tmp/image"
dev=$(findmnt -n -o SOURCE "$tmp/mnt")
[[ $dev == /dev/loop* ]] || fail "mounted is $dev"
expect "autoclear" 1 "$(attribute "$dev" autoclear)"
pattern 100000 >"$tmp/mnt/a"
settle
umount "$tmp/mnt"
eventually is_detached "$dev"

# The same with an offset, read-only.
truncate -s 1M "$tmp/shifted"
cat "$tmp/image" >>"$tmp/shifted"
mount -o loop,ro,offset=1048576 "$tmp/shifted" "$tmp/mnt"
dev=$(findmnt -n -o SOURCE "$tmp/mnt")
expect "offset" 1048576 "$(attribute "$dev" offset)"
expect "read-only" 1 "$(blockdev --getro "$dev")"
cmp "$tmp/mnt/a" <(pattern 100000)
settle
umount "$tmp/mnt"
eventually is_detached "$dev"
