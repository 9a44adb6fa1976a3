#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P12: the backing file system is frozen under I/O: writes wait, also those of
# a detach, and nothing is lost; it becomes read-only by an error: writes fail
# and say so, reads go on; made read-only by hand under reads of a read-only device, which do
# not keep it from that, and go on.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

count=512
frozen() {
	local mode=$1 dir dev source pid before i waited=0
	running() { kill -0 "$pid" 2>/dev/null; }
	# Whose last fsync finds nothing to write does not wait for the thaw.
	waits_or_ended() { in_flight "$dev" || ! running; }
	dir=$(make_backing ext4 32)
	source=$(findmnt -n -o SOURCE "$dir")
	truncate -s 4M "$dir/image"
	dev=$(attach_mode "$mode" "$dir/image")
	expect_silence scan "$dev:direct" write --count $count --seed 1
	scan "$dev:direct" write --count $count --seed 2 --passes "$(scaled 10)" --fsync \
		--state "$tmp/state" >"$tmp/errors" &
	pid=$!
	stop_at_exit "$pid"
	on_exit fsfreeze -u "$dir"
	for ((i = 0; i < 2; i++)); do
		sleep 0.1
		fsfreeze -f "$dir"
		eventually waits_or_ended
		# What was past the point when it froze comes to its end.
		sleep 0.5
		if running; then
			before=$(writes_done "$dev")
			sleep 0.5
			expect "writes completed while frozen" "$before" "$(writes_done "$dev")"
			in_flight "$dev" || fail "no write waits while the file system is frozen"
			waited=$((waited + 1))
		fi
		fsfreeze -u "$dir"
	done
	wait "$pid" || fail "scan"
	log "$mode: $waited times frozen with writes waiting"
	[[ $waited -gt 0 ]] || fail "all was written before anything was frozen"
	expect "errors" '' "$(<"$tmp/errors")"
	expect_silence scan "$dev:direct" read --count $count --state "$tmp/state"

	# A detach meanwhile takes effect after the thaw, with all data.
	expect_silence scan "$dev" write --count $count --seed 99
	fsfreeze -f "$dir"
	losetup -d "$dev" &
	pid=$!
	sleep 0.5
	fsfreeze -u "$dir"
	wait "$pid"
	eventually is_detached "$dev"
	rm "$tmp/state"
	umount "$dir"
	mount "$source" "$dir"
	expect_silence scan "$dir/image" read --count $count --seed 99
	umount "$dir"
}
read_only() {
	local mode=$1 dir dev source trigger got failed
	dir=$(make_backing ext4 32)
	truncate -s 4M "$dir/image"
	source=$(findmnt -n -o SOURCE "$dir")
	mount -o remount,errors=remount-ro "$dir"
	dev=$(attach_mode "$mode" "$dir/image")
	expect_silence scan "$dev:direct" write --count $count --seed 3 --fsync
	# A file that is open for writing keeps the file system from being made
	# read-only by hand.
	expect_failure mount -o remount,ro "$dir"
	scan "$dev:direct,dsync" write --count $count --seed 3 --passes "$(scaled 3)" >"$tmp/errors" &
	sleep 0.3
	trigger=/sys/fs/ext4/${source#/dev/}/trigger_fs_error
	[[ -e $trigger ]] || skip "no $trigger"
	echo test >"$trigger"
	wait "$!"
	failed=$(wc -l <"$tmp/errors")
	log "$mode: $failed writes failed: $(cut -d' ' -f2 "$tmp/errors" | sort | uniq -c | paste -sd' ')"
	# From now on each write fails; each says why.
	scan "$dev:direct,dsync" write --count 16 --seed 3 >"$tmp/errors"
	[[ $(grep -cE ' (EROFS|EIO)$' "$tmp/errors") -eq 16 ]] || fail "writes after it: $(cat "$tmp/errors")"
	got=$(scan "$dev:direct" read --first 16 --count $((count - 16)) --seed 3 --any)
	expect "failed reads" '' "$got"
	detach "$dev"
	umount "$dir"
}
by_hand() {
	local mode=$1 dir dev pid i passes
	more_passes() { [[ $(wc -l <"$tmp/passes") -gt $passes ]]; }
	# another_pass: begins and ends from here on.
	another_pass() {
		passes=$(($(wc -l <"$tmp/passes") + 1))
		eventually more_passes
	}
	dir=$(make_backing ext4 32)
	truncate -s 4M "$dir/image"
	expect_silence scan "$dir/image" write --count $count --seed 4 --fsync
	dev=$(attach_mode "$mode" "$dir/image" --read-only)
	rm -f "$tmp/enough"
	: >"$tmp/passes"
	until [[ -e $tmp/enough ]]; do
		scan "$dev:direct" read --count $count --seed 4 || true
		echo >>"$tmp/passes"
	done >"$tmp/errors" 2>&1 &
	pid=$!
	stop_at_exit "$pid"
	# And what it runs.
	on_exit pkill -KILL -P "$pid"
	on_exit touch "$tmp/enough"
	for ((i = 0; i < 3; i++)); do
		another_pass
		mount -o remount,ro "$dir"
		[[ ,$(findmnt -n -o OPTIONS "$dir"), == *,ro,* ]] || fail "$dir is not read-only"
		drop_caches
		another_pass
		mount -o remount,rw "$dir"
	done
	: >"$tmp/enough"
	wait "$pid"
	expect "reads that failed or differed" '' "$(<"$tmp/errors")"
	log "$mode: $(wc -l <"$tmp/passes") passes while it became read-only and writable"
	detach "$dev"
	umount "$dir"
}
each_mode frozen
each_mode read_only
each_mode by_hand
clean_unload
