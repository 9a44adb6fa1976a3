# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests with a full file system below, on top of stress_common.sh. To be sourced.

# shellcheck source=selftests/stress_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/stress_common.sh"

count=2048
# fill DIRECTORY FS: leaves 3 MiB.
fill() {
	local dir=$1 fs=$2 free size at=0
	if [[ $fs != btrfs ]]; then
		free=$(($(stat -f -c '%a * %S' "$dir")))
		fallocate -l $((free - 3145728)) "$dir/filler"
		return
	fi
	# It cannot tell how much is free for data, nor free part of an extent.
	fallocate -l 3M "$dir/spare"
	for size in 33554432 4194304 262144; do
		while fallocate -o $at -l $size "$dir/filler" 2>/dev/null; do at=$((at + size)); done
	done
	rm "$dir/spare"
	sync -f "$dir"
}
# full MODE FS: what fault_11 says, on that file system.
full() {
	local mode=$1 fs=$2 dir dev node failed
	dir=$(make_backing "$fs" 32)
	node=$(findmnt -n -o SOURCE "$dir")
	truncate -s $((count * 4096)) "$dir/image"
	fill "$dir" "$fs"
	dev=$(attach_mode "$mode" "$dir/image")

	scan "$dev:direct" write --count $count --seed "$SEED" --fsync --state "$tmp/state" >"$tmp/errors" ||
		fail "scan"
	failed=$(grep -c ' ENOSPC$' "$tmp/errors" || true)
	note "$mode, $fs: $failed of $count writes failed with ENOSPC"
	expect "other errors" '' "$(grep -v ' ENOSPC$' "$tmp/errors" || true)"
	[[ $failed -gt 0 && $failed -lt $count ]] || fail "$failed of $count writes failed"
	# Through the page cache of the device it is fsync that tells, and that cache knows EIO only.
	scan "$dev" write --first $((count / 2)) --count $((count / 2)) --seed "$SEED" --fsync >"$tmp/errors" ||
		fail "scan"
	expect "fsync" "fsync EIO" "$(sed s/ENOSPC/EIO/ "$tmp/errors")"
	detach "$dev"
	umount "$dir"
	mount "$node" "$dir"
	expect_silence scan "$dir/image" read --count $((count / 2)) --state "$tmp/state"

	rm "$dir/filler" "$tmp/state"
	dev=$(attach_mode "$mode" "$dir/image")
	scan "$dev:direct" write --count $count --seed $((SEED + 1)) --fsync >"$tmp/errors"
	expect "errors with room again" '' "$(cat "$tmp/errors")"
	detach "$dev"
	umount "$dir"
	mount "$node" "$dir"
	expect_silence scan "$dir/image" read --count $count --seed $((SEED + 1))
	umount "$dir"
}
