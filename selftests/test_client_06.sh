#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: ext4, xfs, btrfs and vfat are made, mounted, trimmed and checked on a device.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

check_fs() {
	case $1 in
	ext4) e2fsck -f -n "$2" ;;
	xfs) xfs_repair -n "$2" ;;
	btrfs) btrfs check "$2" ;;
	vfat) fsck.vfat -n "$2" ;;
	esac >"$tmp/output" 2>&1 || fail "$1 is damaged: $(cat "$tmp/output")"
}
pattern 3000000 >"$tmp/data"
for fs in ext4 xfs btrfs vfat; do
	require_module "$fs"
	truncate -s 320M "$tmp/image"
	dev=$(attach "$tmp/image")
	make_fs "$fs" "$dev"
	settle
	expect "TYPE" "$fs" "$(blkid -p -o value -s TYPE "$dev")"
	check_fs "$fs" "$dev"
	mkdir -p "$tmp/mnt"
	mount -t "$fs" "$dev" "$tmp/mnt"
	on_exit umount "$tmp/mnt"
	mkdir "$tmp/mnt/dir"
	for i in 1 2 3 4 5 6 7 8; do cp "$tmp/data" "$tmp/mnt/dir/$i"; done
	sync -f "$tmp/mnt"
	rm "$tmp/mnt/dir/"[2468]
	fstrim "$tmp/mnt" || [[ $fs == vfat ]] || fail "fstrim of $fs"
	umount "$tmp/mnt"
	check_fs "$fs" "$dev"
	mount -t "$fs" -o ro "$dev" "$tmp/mnt"
	for i in 1 3 5 7; do cmp "$tmp/data" "$tmp/mnt/dir/$i"; done
	umount "$tmp/mnt"
	detach "$dev"
	rm "$tmp/image"
done
