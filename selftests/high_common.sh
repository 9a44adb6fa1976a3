# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests with a control group that has more memory than its memory.high, on top
# of queue_common.sh. To be sourced.

# shellcheck source=selftests/queue_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/queue_common.sh"

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
# high_group: makes $group, which is made to wait for each page.
high_group() {
	group=$(new_cgroup high)
	in_cgroup "$group" python3 "$tmp/hog.py" "$tmp/ready" &
	stop_at_exit "$!"
	eventually test -e "$tmp/ready"
	echo 6M >"$group/memory.high"
}
high_events() { awk '$1 == "high" { print $2 }' "$group/memory.events"; }
# reads_beside_high FILE: attaches the file, 32 MiB, of which nothing is cached,
# and has half of it read by others while the group reads in the other half. Sets
# late and slow_ones: how many of the others' reads, and of the group's, took a
# quarter of the longest one of the group.
reads_beside_high() {
	local dev pid slow median limit before i half=16777216 operations=()
	drop_caches
	dev=$(attach_mode buffered "$1")
	# That half is cached in nobody's name.
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
	slow_ones=$(longer_than "$limit" "$tmp/slow")
	[[ $(high_events) -gt $before ]] || log "memory.high was not felt"
	note "$(driver): $slow_ones reads of the group take up to $((slow / 1000000)) ms," \
		"$late of $(wc -l <"$tmp/fast") others" \
		"up to $(($(longest pread "$tmp/fast") / 1000000)) ms, half of them $((median / 1000)) us"
}
# hold_up_nobody FILE: fails if the group does.
hold_up_nobody() {
	local round good=0 bad=0
	# Anybody may be late once, and the machine be busy for a round.
	for ((round = 0; round < 8 && good < 2 && bad < 3; round++)); do
		reads_beside_high "$1"
		[[ $slow_ones -gt 1 ]] || continue
		if [[ $late -gt 1 ]]; then bad=$((bad + 1)); else good=$((good + 1)); fi
	done
	[[ $bad -lt 3 ]] || fail "$late reads of cached blocks took a quarter of a slow one, or longer"
	[[ $good -gt 0 ]] || fail "the group was made to wait in no round"
}
