#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: loop devices on loop devices, four deep, go on with one worker for each
# workqueue, as there is if there is no memory for others: what waits for a device
# below has a workqueue of its own.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "the C driver has a workqueue for each device"
four_deep() {
	local mode=$1 dir file dev level devs=()
	dir=$(make_backing tmpfs 112)
	file=$dir/image
	truncate -s 96M "$file"
	for level in 1 2 3; do
		dev=$(attach_mode "$mode" "$file")
		devs+=("$dev")
		make_fs ext4 "$dev"
		mount_at "$tmp/$mode-$level" "$dev"
		file=$tmp/$mode-$level/image
		truncate -s "$((96 - level * 24))M" "$file"
	done
	devs+=("$(attach_mode "$mode" "$file")")
	fio_verify "${devs[3]}" --size="$(scaled 2)M" --direct=0 --fsync=16
	fio_verify "${devs[3]}" --size="$(scaled 2)M"
	for level in 3 2 1; do
		detach "${devs[level]}"
		umount "$tmp/$mode-$level"
	done
	detach "${devs[0]}"
	umount "$dir"
}
one_worker
each_mode four_deep
clean_unload
