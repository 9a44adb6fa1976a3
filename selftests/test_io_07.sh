#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: an ext4 on the device survives random writes, reads, truncations, punched
# holes and syncs (fsx), and is clean afterwards.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 64)
body() {
	local dev mnt seed
	mnt=$(mktemp -d "$tmp/mnt.XXXX")
	truncate -s 32M "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	make_fs ext4 "$dev"
	mount_at "$mnt" -o discard "$dev"
	for seed in 1 2 3; do
		fsx "$mnt/file$seed" 400 $seed >"$tmp/fsx" || fail "seed $seed: $(cat "$tmp/fsx")"
	done
	sha256sum "$mnt"/file* >"$tmp/sums"
	umount "$mnt"
	drop_caches
	e2fsck -fn "$dev" >"$tmp/fsck" 2>&1 || fail "fsck: $(cat "$tmp/fsck")"
	mount "$dev" "$mnt"
	sha256sum --quiet -c "$tmp/sums"
	umount "$mnt"
	detach "$dev"
	rm "$dir/image"
}
each_mode body
