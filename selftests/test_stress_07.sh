#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: writes through the device by a process that may use next to no memory, and
# with next to none left in the machine, come to their end without errors, and
# the data is right.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

size=$(scaled 24)
available() { awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo; }
hugepages=/proc/sys/vm/nr_hugepages
# take_memory LEAVE_MIB: as huge pages, which costs no time, as many as there are in one piece, and
# what is left by then, as a process.
take_memory() {
	local pid more
	if [[ -e $hugepages ]]; then
		on_exit bash -c "echo 0 >$hugepages"
		echo $((($(available) - $1) / 2)) >$hugepages
		log "huge pages: $(<"$hugepages")"
	fi
	more=$(($(available) - $1))
	[[ $more -gt 32 ]] || return 0
	log "a process takes $more MiB"
	python3 -c '
import sys, time
memory = b"\1" * (int(sys.argv[1]) << 20)
time.sleep(1000)' "$more" &
	pid=$!
	echo "$pid" >"$tmp/hog"
	stop_at_exit "$pid"
	# As long as it is about to take more.
	for ((i = 0; i < 3000 && $(available) > $1 + 64; i++)); do
		kill -0 "$pid" || break
		sleep 0.1
	done
}
give_memory_back() {
	if [[ -e $tmp/hog ]]; then
		# Else there has been no want of memory.
		kill -0 "$(<"$tmp/hog")" || fail "the memory was given back too early"
		stop "$(<"$tmp/hog")"
	fi
	[[ ! -e $hugepages ]] || echo 0 >$hugepages
}
# verify DEVICE SEED
verify() {
	blockdev --flushbufs "$1"
	expect_silence scan "$1:direct" read --block 65536 --count $((size * 16)) --seed "$2"
}
devs=() modes=(buffered direct)
dir=$(make_backing ext4 $((2 * size + 32)))
for mode in "${modes[@]}"; do
	truncate -s "${size}M" "$dir/$mode"
	dev=$(attach_mode "$mode" "$dir/$mode")
	devs+=("$dev")
	# A cgroup far smaller than what is written. Above `high' the writer is made to wait for
	# writeback; with `max' alone a machine too slow for that has it killed, by no fault of ours.
	group=$(new_cgroup "$mode" memory.high=4M memory.max=12M)
	in_cgroup "$group" scan "$dev" write --block 16384 --count $((size * 64)) --seed 5 --fsync \
		>"$tmp/errors"
	expect "errors in the cgroup" '' "$(<"$tmp/errors")"
	log "$mode: memory.events: $(paste -sd' ' "$group/memory.events")"
	[[ $(awk '$1 == "high" || $1 == "max" { sum += $2 } END { print sum }' "$group/memory.events") -gt 0 ]] ||
		fail "the cgroup had enough memory"
	verify "$dev" 5
done
# Page cache has to go all the time.
drop_caches
take_memory 40
left=$(available)
log "available: $left MiB"
[[ $left -le 110 ]] || fail "$left MiB are left to use"
for i in 0 1; do
	scan "${devs[i]}" write --count $((size * 256)) --seed 6 --fsync >"$tmp/errors"
	expect "errors under pressure (${modes[i]})" '' "$(<"$tmp/errors")"
	verify "${devs[i]}" 6
done
give_memory_back
detach "${devs[0]}"
detach "${devs[1]}"
umount "$dir"
clean_unload
