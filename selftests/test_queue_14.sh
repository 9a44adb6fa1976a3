#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: while a discard or zeroing of another part of the device takes its time, and reads of
# what is not in the page cache wait for it, reads of what is there do not.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver's one worker waits, too"
# No file system and no device that has reads of cached pages wait, too, as xfs and block
# devices have.
node=$(ram_disk 48)
gate=$(dm gate "$(linear "$node")")
disk=$(dm disk "$(linear "$gate")")
below=$(readlink -f "$disk")
make_fs ext4 "$disk"
mount_at "$tmp/ext4" -t ext4 "$disk"
dd if=/dev/urandom of="$tmp/ext4/image" bs=1M count=24 conv=fsync status=none
without_udev
export DM_DISABLE_UDEV=1
load_with queues=1
dev=$(attach_mode buffered "$tmp/ext4/image")
# Who discards by a device's node locks it against all others who have it open, so that is
# another one, with the same content.
above=$(dm above "$(linear "$dev")")
on_exit dmsetup resume "$gate"
# held_below: it reads the rest of a block, which never ends, and has the file locked.
held_below() { reads_in_flight "$below" && [[ $in_flight_now -gt 0 ]]; }
are_in_flight() { reads_in_flight "$dev" && [[ $in_flight_now -ge $1 ]]; }
# while_it OFFSET OPTION…: blkdiscard's
while_it() {
	local offset=$1 pids=()
	shift
	log "# blkdiscard $*"
	drop_caches
	dd if="$dev" of=/dev/null bs=1M count=1 iflag=direct status=none
	dmsetup suspend --noflush --nolockfs "$gate"
	blkdiscard "$@" -f -o $((offset + 512)) -l 65536 "$above" &
	pids+=("$!")
	eventually held_below
	fdio "$dev:ro,direct" "pread:$((8 << 20)):4096" >"$tmp/uncached" &
	pids+=("$!")
	eventually are_in_flight 1
	rm -f "$tmp/read"
	(dd if="$dev" of=/dev/null bs=4k count=64 iflag=direct status=none && touch "$tmp/read") &
	pids+=("$!")
	eventually test -e "$tmp/read"
	writes_in_flight "$dev"
	expect "changes of a range in flight" 1 "$in_flight_now"
	are_in_flight 1 || fail "a read of what is not cached has ended though its disk is stopped"
	dmsetup resume "$gate"
	wait "${pids[@]}"
	expect "the read that waited" 4096 "$(results <"$tmp/uncached" | cut -d' ' -f1)"
}
while_it $((16 << 20)) --zeroout
while_it $((20 << 20))
dmsetup remove --retry "$(basename "$above")"
detach "$dev"
