#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: writes that wait, be there as many as the device has workers, leave one for reads: on a
# frozen file system all is read, and what was to be written is when that has thawed.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_module overlay
# The file of an overlay is neither read nor written without a worker that may wait.
node=$(ram_disk 64)
mkfs.ext4 -q -F "$node"
mount_at "$tmp/disk" "$node"
mkdir "$tmp/disk/"{lower,upper,work}
mount_overlay "$tmp/disk" "$tmp/merged"
dd if=/dev/zero of="$tmp/merged/image" bs=1M count=8 status=none
sync -f "$tmp/disk"
on_exit fsfreeze -u "$tmp/disk"

body() {
	local mode=$1 flags=$2 dev workers i reader writers=()
	dev=$(attach_mode "$mode" "$tmp/merged/image")
	workers=$(setting "$dev" workers)
	fsfreeze -f "$tmp/disk"
	for ((i = 0; i < 2 * workers; i++)); do
		fdio "$dev:rw,$flags" "pwrite:$((i * 8192)):4096:7" >"$tmp/write.$i" &
		writers+=("$!")
	done
	all_written() { writes_in_flight "$dev" && [[ $in_flight_now -eq $((2 * workers)) ]]; }
	eventually all_written
	# Whoever waits without an end cannot be killed either.
	(dd if="$dev" of=/dev/null bs=4k skip=1024 count=64 iflag=direct status=none && : >"$tmp/read") &
	reader=$!
	eventually test -e "$tmp/read"
	all_written || fail "$mode: the file system was not frozen"
	fsfreeze -u "$tmp/disk"
	for i in "$reader" "${writers[@]}"; do
		wait "$i"
	done
	expect "writes" $((2 * workers)) "$(cat "$tmp"/write.* | awk '$4 == 4096' | wc -l)"
	rm "$tmp"/write.* "$tmp/read"
	detach "$dev"
}
body direct direct
# Stable ones; others have one worker in any case.
body buffered direct,dsync
umount "$tmp/merged"
umount "$tmp/disk"
