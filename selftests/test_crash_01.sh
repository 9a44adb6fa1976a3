#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: what was accepted before a flush is below, with a flush of the disk after it, when
# that flush completes. (The C driver's writes come later in direct mode.)
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_log
require_module dm_delay
# Before anything is found: whoever skips later would hide it.
for fs in ext4 xfs btrfs; do
	require_tool "mkfs.$fs"
	require_module "$fs"
done
without_udev
export DM_DISABLE_UDEV=1
rounds=$(scaled 20)
# round MODE FS: a log of its own; FS `none': the disk itself is the backing file.
round() {
	local mode=$1 fs=$2 disk slow log node file dev name=$TID-logged-$RANDOM marks bad flushes flying
	disk=$(ram_disk 320)
	log=$(ram_disk 1024)
	# So that there are writes in flight when it is flushed.
	slow=$(dm slow "0 $(sectors_of "$disk") delay $disk 0 0 $disk 0 10 $disk 0 0")
	node=$(logged "$name" "$slow" "$log")
	file=$node
	if [[ $fs != none ]]; then
		make_fs "$fs" "$node"
		mount_at "$tmp/mnt" -t "$fs" "$node"
		file=$tmp/mnt/image
		dd if=/dev/zero of="$file" bs=1M count=$((rounds / 8 + 1)) conv=fsync status=none
	fi
	dev=$(attach_mode "$mode" "$file")
	python drain write "$dev" "$name" 3 "$rounds" "$SEED" >"$tmp/written"
	detach "$dev"
	[[ $fs == none ]] || umount "$tmp/mnt"
	remove_logged "$name"
	read -r flushes flying <"$tmp/written"
	python drain judge "$log" >"$tmp/judged"
	read -r marks bad <"$tmp/judged"
	note "$(driver), $mode, $fs: $flushes flushes, before $flying of them writes in flight;" \
		"$bad with writes that were not stable"
	expect "flushes in the log" "$flushes" "$marks"
	[[ $flying -gt 0 ]] || fail "no writes in flight at any flush"
	violations=$((violations + bad))
}
body() {
	local violations=0
	round direct none
	round buffered none
	round direct ext4
	round buffered ext4
	round direct xfs
	round direct btrfs
	expect "flushes that came too early" 0 "$violations"
}
with_c_loop body
