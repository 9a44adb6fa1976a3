#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: writes that wait until a frozen file system is thawed hold up no reads.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver's one worker waits, too"
dir=$(make_backing ext4 32)
dd if=/dev/urandom of="$dir/image" bs=1M count=8 conv=fsync status=none
load_with queues=1
in_flight_writes() { writes_in_flight "$1" && [[ $in_flight_now -ge $2 ]]; }
thaw() { fsfreeze -u "$dir"; }
frozen() {
	local mode=$1 dev i pids=()
	dev=$(attach_mode "$mode" "$dir/image")
	# What is read later is in the page cache, where there is one.
	dd if="$dev" of=/dev/null bs=1M iflag=direct status=none
	fsfreeze -f "$dir"
	on_exit thaw
	for i in 1 2 3; do
		fdio "$dev:rw,direct" "pwrite:$((i * 65536)):4096:$i" >"$tmp/write$i" &
		pids+=("$!")
	done
	eventually in_flight_writes "$dev" 3
	rm -f "$tmp/read"
	(dd if="$dev" of=/dev/null bs=64k skip=16 iflag=direct status=none && touch "$tmp/read") &
	pids+=("$!")
	eventually test -e "$tmp/read"
	in_flight_writes "$dev" 3 || fail "a write has ended while the file system is frozen"
	thaw
	wait "${pids[@]}"
	expect "writes that failed" 0 "$(awk '$4 != 4096' "$tmp"/write? | wc -l)"
	detach "$dev"
}
each_mode frozen
umount "$dir"
