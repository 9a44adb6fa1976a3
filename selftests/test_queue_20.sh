#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: what is cached is read at once while the journal of the backing file system writes: to
# read the file does not mean to change when it was read last.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver reads nothing while it syncs"
require_module dm_delay
node=$(ram_disk 64)
# Writes take their time, in ms.
delay=400
table() { slow_write_table "$node" "$delay"; }
mkfs.ext4 -q -F "$node"
slow=$(dm slow "$(linear "$node")")
mount_at "$tmp/disk" -o relatime "$slow"
truncate -s 32M "$tmp/disk/image"
# 4 MiB are read, and so cached; one more is written again and again.
dd if=/dev/zero of="$tmp/disk/image" bs=1M count=5 conv=notrunc status=none
dev=$(attach_mode buffered "$tmp/disk/image")
dd if="$dev" of=/dev/null bs=1M count=4 iflag=direct status=none
sync -f "$tmp/disk"
dm_switch "$slow" "$(table)"

# passes: none of three readers at a time waits as long as a write of the journal takes.
passes() {
	local writer others=() at other
	# Each write goes to a hole, of which each try has others, so that each commit has the inode.
	for at in 4 5 6 7; do
		echo "pwrite:$(((at + try * 4) * 1048576)):4096:$at fsync"
	done >"$tmp/script"
	# shellcheck disable=SC2046
	fdio "$dev:rw,direct" $(<"$tmp/script") >"$tmp/writes" &
	writer=$!
	# Each of these changes the time of the last change, after which the next read counts.
	while kill -0 "$writer" 2>/dev/null; do
		fdio "$dev:rw,direct" pwrite:4194304:4096:1 pwrite:4198400:4096:1 >>"$tmp/overwrites"
	done &
	others+=("$!")
	for at in 1 2 3; do
		reads_while "$writer" "$tmp/reads.$at" "$dev" 0 4194304 &
		others+=("$!")
	done
	wait "$writer"
	for other in "${others[@]}"; do
		wait "$other"
	done
	expect "writes and syncs" 8 "$(awk '$4 == 4096 || $4 == 0' "$tmp/writes" | wc -l)"
	slowest=$(longest pread "$tmp"/reads.[123])
	log "with a write in $delay ms a read takes $((slowest / 1000000)) ms at most"
	[[ $slowest -lt $((delay * 1000000 / 2)) ]]
}
passes_at_last "$slow" "a cached read waits for the journal"
dm_switch "$slow" "$(linear "$node")"
detach "$dev"
umount "$tmp/disk"
