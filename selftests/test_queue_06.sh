#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: I/O through the device is charged to the control group of whoever does it:
# counted in its io.stat of the device below, and throttled by its io.max.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

size=4194304
require_controllers memory io
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
body() {
	local mode=$1 dev group free limited limit
	group=$(new_cgroup "$mode")
	dev=$(attach_mode "$mode" "$node")
	charged "$mode read" rbytes "$group" \
		dd if="$dev" of=/dev/null bs=64k count=$((size / 65536)) iflag=direct status=none
	if [[ $mode == direct ]]; then
		charged "direct write" wbytes "$group" \
			dd if=/dev/zero of="$dev" bs=64k count=$((size / 65536)) oflag=direct status=none
	fi
	if ! throttles; then
		log "io.max is left out"
		detach "$dev"
		return
	fi
	free=$(timed_read "$group" "$dev")
	# Eight times as long, but not less than two seconds, as throttling is not
	# that precise.
	limit=$((size * 1000 / ((free / 1000000 > 250 ? free / 1000000 : 250) * 8)))
	echo "$numbers rbps=$limit" >"$group/io.max"
	limited=$(timed_read "$group" "$dev")
	note "$mode: reading takes $((free / 1000000)) ms," \
		"with $limit bytes per second $((limited / 1000000)) ms"
	detach "$dev"
	[[ $limited -ge $((free * 3)) ]] || fail "$mode: io.max does not throttle"
}
each_mode body
