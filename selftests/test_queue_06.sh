#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: I/O through the device is charged to the control group of whoever does it:
# counted in its io.stat of the device below, buffered writes when they are written back, and
# throttled by its io.max.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

size=4194304
require_controllers memory io
# Devices to which nobody has written yet: the page cache of a block device is written back in the
# name of the group that was the first to write to it, for as long as the device exists.
under_test_is_c || load_with queues=0
# Not null_blk: on the debug kernel its locks and those of throttling are reported to
# be taken in both orders, whoever throttles it.
require_module brd rd_nr=1 rd_size=16384
node=/dev/ram0
settle
numbers=$(lsblk -dnro MAJ:MIN "$node")
# Under lockdep io.max is reported for a cycle of the kernel's own: dm_create() allocates percpu
# memory under pcpu_alloc_mutex, which may wait for I/O; io.max does under blkcg_mutex.
throttles() { [[ ! -e /proc/lockdep ]]; }
# counted GROUP KEY: of the device below.
counted() {
	awk -v "numbers=$numbers" -v "key=$2" '
		$1 == numbers { for (i = 2; i <= NF; i++) if (sub("^" key "=", "", $i)) print $i }
	' "$1/io.stat" | grep . || echo 0
}
# charged WHAT KEY GROUP COMMAND…: COMMAND transfers `size' bytes, which are charged.
charged() {
	local what=$1 key=$2 group=$3 before after
	shift 3
	drop_caches
	before=$(counted "$group" "$key")
	in_cgroup "$group" "$@"
	after=$(counted "$group" "$key")
	log "$what: $key grew by $((after - before))"
	[[ $((after - before)) -ge $((size * 9 / 10)) ]] ||
		fail "$what: of $size bytes $((after - before)) are charged to the group"
}
timed_read() {
	drop_caches
	nanoseconds in_cgroup "$1" dd if="$2" of=/dev/null bs=64k count=$((size / 65536)) \
		iflag=direct status=none
}
timed_write() {
	nanoseconds in_cgroup "$1" dd if=/dev/zero of="$2" bs=64k count=$((size / 65536)) \
		oflag=direct status=none
}
# throttled WHAT KEY GROUP COMMAND…: COMMAND transfers `size' bytes, which takes longer with a
# limit.
throttled() {
	local what=$1 key=$2 group=$3 free limited limit
	shift 3
	free=$("$@")
	# Eight times as long, but not less than two seconds, as throttling is not
	# that precise.
	limit=$((size * 1000 / ((free / 1000000 > 250 ? free / 1000000 : 250) * 8)))
	echo "$numbers $key=$limit" >"$group/io.max"
	limited=$("$@")
	echo "$numbers $key=max" >"$group/io.max"
	note "$what takes $((free / 1000000)) ms," \
		"with $limit bytes per second $((limited / 1000000)) ms"
	[[ $limited -ge $((free * 3)) ]] || fail "$what: io.max does not throttle"
}
body() {
	local mode=$1 dev group options=(oflag=direct)
	group=$(new_cgroup "$mode")
	dev=$(attach_mode "$mode" "$node")
	charged "$mode read" rbytes "$group" \
		dd if="$dev" of=/dev/null bs=64k count=$((size / 65536)) iflag=direct status=none
	# Through the page cache of the backing file they reach the device below with the fsync.
	[[ $mode == direct ]] || options+=(conv=fsync)
	charged "$mode write" wbytes "$group" \
		dd if=/dev/zero of="$dev" bs=64k count=$((size / 65536)) "${options[@]}" status=none
	if throttles; then
		throttled "$mode read" rbps "$group" timed_read "$group" "$dev"
		# Who writes to the page cache does not wait.
		[[ $mode == buffered ]] || throttled "$mode write" wbps "$group" timed_write "$group" "$dev"
	else
		log "io.max is left out"
	fi
	detach "$dev"
}
each_mode body
