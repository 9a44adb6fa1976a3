#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: mount's options for loop devices: a device by name, offset and size limit, an
# image without `-o loop'; the same image mounted twice has one device, which goes with
# the last mount.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "mount takes the devices called loop"
truncate -s 16M "$tmp/image"
mkfs.ext4 -q -F "$tmp/image"
mkdir "$tmp/a" "$tmp/b"
source_of() { findmnt -n -o SOURCE "$1"; }
# mount_here OPTION…: the last is the directory; it is unmounted at the end.
mount_here() {
	mount "$@"
	on_exit umount "${!#}"
	settle
}

dev=$(free_device)
mount_here -o "loop=$dev" "$tmp/image" "$tmp/a"
expect "device" "$dev" "$(source_of "$tmp/a")"
expect "backing_file" "$tmp/image" "$(attribute "$dev" backing_file)"
expect "autoclear" 1 "$(attribute "$dev" autoclear)"
pattern 100000 >"$tmp/a/file"
umount "$tmp/a"
eventually is_detached "$dev"
settle

# An image is known by what is in it.
mount_here "$tmp/image" "$tmp/a"
dev=$(source_of "$tmp/a")
mount_here "$tmp/image" "$tmp/b"
expect "device of the second mount" "$dev" "$(source_of "$tmp/b")"
expect "attached devices" "$dev" "$(attached_devices)"
cmp "$tmp/b/file" <(pattern 100000)
umount "$tmp/a"
is_attached "$dev" || fail "detached while it is mounted"
echo more >"$tmp/b/more"
umount -d "$tmp/b"
eventually is_detached "$dev"
settle

# Two parts of one file have two devices.
truncate -s 1M "$tmp/two"
cat "$tmp/image" "$tmp/image" >>"$tmp/two"
size=$((16 << 20))
mount_here -o "loop,offset=1M,sizelimit=$size" "$tmp/two" "$tmp/a"
mount_here -o "ro,loop,offset=17M,sizelimit=$size" "$tmp/two" "$tmp/b"
a=$(source_of "$tmp/a")
b=$(source_of "$tmp/b")
[[ $a != "$b" ]] || fail "both are on $a"
expect "offset" $((1 << 20)) "$(attribute "$a" offset)"
expect "sizelimit" "$size" "$(attribute "$a" sizelimit)"
expect "offset" $((17 << 20)) "$(attribute "$b" offset)"
expect "ro" "0 1" "$(blockdev --getro "$a" "$b" | xargs)"
cmp "$tmp/b/file" "$tmp/a/file"
expect_failure mount -t ext4 -o loop,offset=2M "$tmp/two" "$tmp/a"
grep -q overlapping "$tmp/output" || fail "$(cat "$tmp/output")"
umount "$tmp/a" "$tmp/b"
eventually is_detached "$a"
eventually is_detached "$b"

# A file system that is damaged leaves no device behind.
dd if=/dev/zero of="$tmp/image" bs=64k count=1 conv=notrunc status=none
settle
expect_failure mount -t ext4 -o loop "$tmp/image" "$tmp/a"
none() { [[ -z $(attached_devices) ]]; }
eventually none
