#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: reads by a control group that is made to wait for each page of memory, as it has more
# than its memory.high, hold up no reads of cached blocks by others.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_controllers memory io
[[ $(wc -l </proc/swaps) -le 1 ]] || skip "anonymous memory could be swapped out"
dir=$(make_backing ext4 64)
dd if=/dev/urandom of="$dir/image" bs=1M count=32 conv=fsync status=none
under_test_is_c || load_with queues=1
# Has memory that cannot be taken from it.
cat >"$tmp/hog.py" <<'PYTHON'
import ctypes, mmap, sys, time

memory = mmap.mmap(-1, 24 << 20, mmap.MAP_PRIVATE)
memory[:] = b"\1" * len(memory)
if ctypes.CDLL(None).mlockall(1):
    sys.exit("mlockall")
open(sys.argv[1], "w").close()
time.sleep(1000)
PYTHON
group=$(new_cgroup high)
in_cgroup "$group" python3 "$tmp/hog.py" "$tmp/ready" &
stop_at_exit "$!"
eventually test -e "$tmp/ready"
echo 6M >"$group/memory.high"
high_events() { awk '$1 == "high" { print $2 }' "$group/memory.events"; }
# Half of the device is cached, in nobody's name.
half=16777216
# round: sets late, of how many reads.
round() {
	local dev pid slow median limit before i operations=()
	drop_caches
	dev=$(attach_mode buffered "$dir/image")
	dd if="$dev" of=/dev/null bs=1M count=16 iflag=direct status=none
	for ((i = 0; i < 8; i++)); do
		operations+=("pread:$((half + 1048576 + i * 1572864)):131072")
	done
	before=$(high_events)
	# In the group only when all that is needed is there, so that it waits for nothing else.
	fdio "$dev:ro,direct" "touch:$tmp/open" "wait:$tmp/go" "${operations[@]}" >"$tmp/scan" &
	pid=$!
	eventually test -e "$tmp/open"
	echo "$pid" >"$group/cgroup.procs"
	touch "$tmp/go"
	reads_while "$pid" "$tmp/fast" "$dev" 0 $half
	wait "$pid"
	rm "$tmp/open" "$tmp/go"
	detach "$dev"
	grep ' pread:' "$tmp/scan" >"$tmp/slow"
	expect "slow reads that failed" 0 "$(awk '$4 != 131072' "$tmp/slow" | wc -l)"
	slow=$(longest pread "$tmp/slow")
	median=$(durations pread "$tmp/fast" | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }')
	# A driver that has nobody wait has nobody held up either.
	limit=$((slow / 4 > median * 100 ? slow / 4 : median * 100))
	late=$(longer_than "$limit" "$tmp/fast")
	[[ $(high_events) -gt $before ]] || log "memory.high was not felt"
	note "$(driver): the longest read of the group takes $((slow / 1000000)) ms," \
		"the longest of $(wc -l <"$tmp/fast") others" \
		"$(($(longest pread "$tmp/fast") / 1000000)) ms, half of them $((median / 1000)) us"
}
# Anybody may be late once, and the machine be busy for a round.
for ((try = 0; try < 3; try++)); do
	round
	[[ $late -gt 1 ]] || break
done
[[ $late -le 1 ]] || fail "$late reads of cached blocks took a quarter of a slow one, or longer"
umount "$dir"
