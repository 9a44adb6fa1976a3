#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3, P5: who is told of a loss is the same each time, 200 times over: three descriptors
# of the device, of which the first has met it, one of another device on the same file,
# two of the file, and who watches its file system, if it has one, by syncfs.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_tool python3
require_module dm_mod
without_udev
export DM_DISABLE_UDEV=1
rounds=$(scaled 200)
# What is written directly fails at once, and the file has not lost it.
declare -A expected=(
	[buffered disk]="EIO EIO EIO EIO EIO EIO, EIO 0 0 0 0 0, 0 0 0 0 0 0"
	[direct disk]="EIO EIO EIO 0 0 0, 0 0 0 0 0 0, 0 0 0 0 0 0"
	[buffered ext4]="EIO EIO EIO EIO EIO EIO EIO, EIO 0 0 0 0 0 0, 0 0 0 0 0 0 0"
	[direct ext4]="EIO EIO EIO 0 0 0 0, 0 0 0 0 0 0 0, 0 0 0 0 0 0 0"
)
# body MODE BELOW
body() {
	local mode=$1 below=$2 node target file dir dev other
	node=$(ram_disk 16)
	target=$(dm target "$(linear "$node")")
	file=$target
	if [[ $below == ext4 ]]; then
		# A journal would be aborted, and whoever initialises something later fail.
		mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$target"
		dir=$(mktemp -d "$tmp/below.XXXXXX")
		mount_at "$dir" "$target"
		file=$dir/image
		dd if=/dev/zero of="$file" bs=1M count=4 conv=fsync status=none
	fi
	dev=$(attach_mode "$mode" "$file")
	other=$(attach_mode "$mode" "$file")
	python observers "$dev" "$other" "$file" "${target##*/}" "$node" "$rounds" >"$tmp/outcomes"
	log "$(driver), $mode, $below: $(<"$tmp/outcomes")"
	expect "outcomes" "${expected[$mode $below]}"$'\t'"$rounds" "$(<"$tmp/outcomes")"
	detach "$dev"
	detach "$other"
	[[ $below != ext4 ]] || umount "$dir"
}
bodies() {
	each_mode body disk
	each_mode body ext4
}
with_c_loop bodies
