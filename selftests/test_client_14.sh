#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a mounted ext4 and XFS grow with their file: `losetup -c', then resize2fs and
# xfs_growfs.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool resize2fs xfs_growfs
pattern 1000000 >"$tmp/data"
mkdir "$tmp/mnt"
for fs in ext4 xfs; do
	require_module "$fs"
	truncate -s 320M "$tmp/image"
	dev=$(attach "$tmp/image")
	make_fs "$fs" "$dev"
	settle
	mount -t "$fs" "$dev" "$tmp/mnt"
	on_exit umount "$tmp/mnt"
	cp "$tmp/data" "$tmp/mnt/before"
	truncate -s 480M "$tmp/image"
	losetup -c "$dev"
	expect "size" $((480 << 20)) "$(size_of "$dev")"
	before=$(stat -f -c '%b * %S' "$tmp/mnt")
	case $fs in
	ext4) resize2fs "$dev" ;;
	xfs) xfs_growfs "$tmp/mnt" ;;
	esac >"$tmp/output" 2>&1 || fail "$(cat "$tmp/output")"
	after=$(stat -f -c '%b * %S' "$tmp/mnt")
	[[ $(((after) - (before))) -gt $((60 << 20)) ]] || fail "$fs grew from $before to $after bytes"
	# More than the old size can hold.
	fallocate -l 330M "$tmp/mnt/large"
	cp "$tmp/data" "$tmp/mnt/after"
	umount "$tmp/mnt"
	case $fs in
	ext4) e2fsck -fn "$dev" ;;
	xfs) xfs_repair -n "$dev" ;;
	esac >"$tmp/output" 2>&1 || fail "$(cat "$tmp/output")"
	mount -t "$fs" -o ro "$dev" "$tmp/mnt"
	cmp "$tmp/data" "$tmp/mnt/before"
	cmp "$tmp/data" "$tmp/mnt/after"
	umount "$tmp/mnt"
	detach "$dev"
	rm "$tmp/image"
done
