#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5: a file system on the device, and a descriptor of one of its partitions, learn
# of a loss that another one's flush has met.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_flakey
body() {
	local mode=$1 node target dev
	node=$(ram_disk 32 cache_size=4)
	target=$(dm target "$(linear "$node")")
	new_steps
	# lose BYTE: a write to the device is lost, and its writer is told.
	lose() {
		steps "$1" "$dev:rw,direct" "pwrite:31457280:4096:$1" fsync
		expect "write" 4096 "$(step "$1")"
		dm_switch "$target" "$(loss_table "$mode" "$node")"
		expect "fsync of the writer" EIO "$(step "$1")"
		dm_switch "$target" "$(linear "$node")"
	}

	# Without a journal, which would be aborted, and nothing that is initialised later:
	# the writer's fsync would write that, too, and fail for it.
	dev=$(attach_mode "$mode" "$target")
	mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$dev" 16M
	mount_at "$tmp/mnt" "$dev"
	echo 1 >"$tmp/mnt/file"
	sync
	steps 1 "$tmp/mnt/file" syncfs syncfs syncfs
	expect "syncfs before" 0 "$(step 1)"
	lose 2
	expect "syncfs of the file system on the device" EIO "$(step 1)"
	expect "the next one" 0 "$(step 1)"
	wait
	umount "$tmp/mnt"
	detach "$dev"

	sfdisk -q --no-reread --no-tell-kernel "$target" <<<$'label: dos\nstart=2048,size=20480\n'
	dev=$(attach_mode "$mode" "$target" --partscan)
	eventually test -b "${dev}p1"
	settle
	steps 3 "${dev}p1" fsync fsync fsync
	expect "fsync of the partition before" 0 "$(step 3)"
	lose 4
	expect "fsync of the partition" EIO "$(step 3)"
	expect "the next one" 0 "$(step 3)"
	wait
	detach "$dev"
}
each_mode body
