#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: `losetup -P' shows the partitions of the image; without, and after a detach,
# there are none.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool sfdisk
truncate -s 16M "$tmp/image"
printf 'label: dos\nstart=2048,size=4096\nstart=8192,size=8192\n' | sfdisk -q "$tmp/image"
dev=$(attach "$tmp/image")
expect "partscan" 0 "$(attribute "$dev" partscan)"
[[ ! -e ${dev}p1 ]] || fail "${dev}p1 without being asked for"
detach "$dev"

dev=$(attach "$tmp/image" -P)
expect "partscan" 1 "$(attribute "$dev" partscan)"
eventually test -b "${dev}p2"
expect "size of partition 1" $((4096 * 512)) "$(size_of "${dev}p1")"
expect "start of partition 2" 8192 "$(cat "/sys/block/$(name_of "$dev")/$(name_of "$dev")p2/start")"
pattern 65536 >"$tmp/data"
dd if="$tmp/data" of="${dev}p2" bs=64k seek=1 conv=notrunc,fsync status=none
cmp "$tmp/data" "$tmp/image" -i 0:$((8192 * 512 + 65536)) -n 65536
make_fs ext4 "${dev}p2"
settle
mount_at "$tmp/mnt" "${dev}p2"
# Not the whole disk is the last one to be closed here.
losetup -d "$dev"
is_attached "$dev" || fail "detached under a mounted partition"
echo ok >"$tmp/mnt/file"
umount "$tmp/mnt"
eventually is_detached "$dev"
settle
[[ ! -e ${dev}p1 && ! -e ${dev}p2 ]] || fail "partitions stay behind"
