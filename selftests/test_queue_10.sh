#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: on a file system that can only read with a thread that waits (vfat), `workers'
# reads wait at once.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_cachestat
! under_test_is_c || skip "needs rloop"
require_module dm_delay
require_module vfat
require_tool mkfs.vfat
node=$(ram_disk 64)
fast=$(linear "$node")
disk=$(dm disk "$fast")
# Few and large clusters, whose table fits into a page.
mkfs.vfat -s 64 "$disk" >/dev/null
mount_at "$tmp/vfat" -t vfat "$disk"
image=$tmp/vfat/image
dd if=/dev/zero of="$image" bs=1M count=34 conv=fsync status=none
# That takes ages to look at the device.
without_udev
# dmsetup would wait for it.
export DM_DISABLE_UDEV=1
# Reads of the disk take their time.
dm_switch "$disk" "0 $(sectors_of "$node") delay $node 0 500 $node 0 0"
on_exit dm_switch "$disk" "$fast"
# read_all: eight parallel cold reads, and how long they take. That of starting those who
# read is not counted.
read_all() {
	local i pids=()
	rm -f "$tmp"/ready? "$tmp/go"
	for ((i = 1; i <= 8; i++)); do
		fdio "$dev:ro,direct" "touch:$tmp/ready$i" "wait:$tmp/go" \
			"pread:$((i * 4194304)):4096" >"$tmp/lines$i" &
		pids+=("$!")
	done
	for ((i = 1; i <= 8; i++)); do eventually test -e "$tmp/ready$i"; done
	: >"$tmp/go"
	wait "${pids[@]}"
	for ((i = 1; i <= 8; i++)); do grep ' pread:' "$tmp/lines$i" >"$tmp/read$i"; done
	echo $(($(cut -d' ' -f2 "$tmp"/read? | sort -n | tail -n 1) -
		$(cut -d' ' -f1 "$tmp"/read? | sort -n | sed -n 1p)))
}
# measure WORKERS: what read_all says with so many.
measure() {
	local dev
	load_with "workers=$1"
	dev=$(attach_mode buffered "$image")
	# The file's pages only: not those of the file system itself.
	dd if="$image" iflag=nocache count=0 status=none
	expect "cached bytes of the image" 0 "$(cached_bytes "$image")"
	read_all
	expect "reads that failed" 0 "$(awk '$4 != 4096' "$tmp"/read? | wc -l)"
	detach "$dev"
}
one=$(measure 1)
eight=$(measure 8)
note "eight reads: with one worker $((one / 1000000)) ms, with eight $((eight / 1000000)) ms"
[[ $one -ge $((eight * 2)) ]] || fail "more workers do not help"
