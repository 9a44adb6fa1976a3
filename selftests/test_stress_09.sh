#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: every user of a device is killed in the middle of what it does; the device
# can be detached at once, and what was synced is there.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

dir=$(make_backing ext4 64)
truncate -s 48M "$dir/image"
# victim COMMAND…: runs it until the device does something, and kills it.
victim() {
	local pid i
	log "# $*"
	"$@" >"$tmp/victim" 2>&1 &
	pid=$!
	stop_at_exit "$pid"
	for ((i = 0; i < 400; i++)); do
		! in_flight "$dev" || break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.01
	done
	sleep "0.0$((RANDOM % 10))"
	kill -0 "$pid" || fail "'$*' has ended by itself: $(tail -n 5 "$tmp/victim")"
	# Who starts others shall not do so any more.
	kill -STOP "$pid"
	pkill -KILL -P "$pid" || true
	stop "$pid"
}
body() {
	local mode=$1 dev round
	for ((round = 0; round < $(scaled 1); round++)); do
		dev=$(attach_mode "$mode" "$dir/image")
		expect_silence scan "$dev:direct" write --first 8192 --count 512 --seed 9 --fsync
		victim fio --name=victim --filename="$dev" --rw=randwrite --bs=4k --size=16M \
			--ioengine=libaio --iodepth=32 --direct=1 --time_based --runtime=60
		victim scan "$dev" write --count 4096 --passes 1000
		victim scan "$dev:direct,dsync" write --count 4096 --passes 1000 --threads 16
		# Again and again, as one may have ended before it can be killed.
		# shellcheck disable=SC2016
		victim bash -c 'while mkfs.ext4 -q -F "$1" 30M; do :; done' mkfs "$dev"
		# A new one, so that there is something to be mounted; as soon as the one that was killed is
		# gone, which has the device exclusively.
		eventually make_fs_small "$dev"
		mkdir -p "$tmp/mount"
		# Whoever holds the mount is killed: its mount namespace goes away with it.
		# shellcheck disable=SC2016
		victim unshare -m bash -c 'mount "$1" "$2" && cd "$2" && while :; do dd if=/dev/zero of=file bs=64k; done' \
			holder "$dev" "$tmp/mount"
		expect_silence scan "$dev:direct" read --first 8192 --count 512 --seed 9
		losetup -d "$dev"
		eventually is_detached "$dev"
	done
}
make_fs_small() { mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$1" 30M; }
each_mode body
clean_unload
umount "$dir"
