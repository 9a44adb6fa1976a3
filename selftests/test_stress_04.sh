#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P12: the backing file is truncated, deleted and replaced under I/O: no stale
# data, no other file touched, and what is in the file is what was written.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

body() {
	local mode=$1 dir dev pid i size errors
	dir=$(make_backing ext4 48)
	chaos make "$dir/image" 16384 1
	dev=$(attach_mode "$mode" "$dir/image")
	# Reads check that each sector was written by somebody, or is zero.
	chaos run --seed "$SEED" --prefix "$LOOP" --devices "$((${dev#/dev/"$LOOP"} + 1))" --processes 2 \
		--calls "$(scaled 600)" --ops read,write,fsync,flush_buffers "$dir/image" \
		>"$tmp/chaos" 2>&1 &
	pid=$!
	stop_at_exit "$pid"
	for ((i = 0; i < $(scaled 6); i++)); do
		for size in 0 4096 100000 262145 8388608; do
			truncate -s "$size" "$dir/image"
			[[ $((RANDOM % 3)) -ne 0 ]] || loopctl "$dev" set_capacity >/dev/null
		done
	done
	wait "$pid" || fail "chaos: $(cat "$tmp/chaos")"
	truncate -s 8M "$dir/image"
	loopctl "$dev" set_capacity >/dev/null
	expect "size" 8388608 "$(size_of "$dev")"
	blockdev --flushbufs "$dev"

	# Replaced and deleted: it is the old file that is written.
	pattern 1048576 "$SEED" >"$dir/other"
	cp "$dir/other" "$tmp/other"
	exec 3<"$dir/image"
	scan "$dev:direct" write --count 1024 --seed 7 --state "$tmp/state" --passes "$(scaled 2)" \
		>"$tmp/errors" &
	pid=$!
	mv "$dir/other" "$dir/image"
	sync "$dir/image"
	mv "$dir/image" "$dir/third"
	wait "$pid"
	errors=$(<"$tmp/errors")
	expect "errors" '' "$errors"
	[[ $(attribute "$dev" backing_file) == *"(deleted)" ]] ||
		fail "backing_file: $(attribute "$dev" backing_file)"
	cmp "$dir/third" "$tmp/other"
	sync "$dev"
	expect_silence scan "$dev:direct" read --count 1024 --state "$tmp/state"
	expect_silence scan /proc/self/fd/3 read --count 1024 --state "$tmp/state"
	exec 3<&-
	rm "$tmp/state"
	detach "$dev"
	umount "$dir"
}
each_mode body
clean_unload
