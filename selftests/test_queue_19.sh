#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: a stable write (FUA) of a buffered device, which waits for its sync, holds up no other write.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver has no FUA, and does one after the other"
require_module dm_delay
node=$(ram_disk 16 cache_size=4)
# Flushes take their time, in ms.
delay=2000
table() { slow_flush_table "$node" "$delay"; }
slow=$(dm slow "$(table)")
dev=$(attach_mode buffered "$slow")
expect "fua" 1 "$(limit "$dev" fua)"
# Three at a time, so that none is executed where it comes from.
writes() {
	local i at=$1 operations=()
	for ((i = 0; i < 60; i++)); do
		operations+=("pwrite:$((at + i % 8 * 4096)):4096:$i")
	done
	fdio "$dev:rw,direct" "${operations[@]}" >"$tmp/writes.$at"
}
# longest FILE…: what the longest of these operations took, in ns.
longest() { awk '{ took = $2 - $1; if (took > most) most = took } END { print most + 0 }' "$@"; }
# passes: the others do not wait as long as a stable write does.
passes() {
	local at writers=() stable others
	for at in 1048576 2097152 3145728; do
		writes "$at" &
		writers+=("$!")
	done
	fdio "$dev:rw,direct,dsync" pwrite:0:4096:1 >"$tmp/stable"
	wait "${writers[@]}"
	expect "the stable write" 4096 "$(awk '{ print $4 }' "$tmp/stable")"
	expect "writes" 180 "$(cat "$tmp"/writes.* | grep -c ' 4096$')"
	stable=$(longest "$tmp/stable")
	others=$(longest "$tmp"/writes.*)
	log "the stable write takes $((stable / 1000000)) ms, the others $((others / 1000000)) ms at most"
	[[ $others -le $((stable / 4)) ]]
}
passes_at_last "$slow" "a write waits for the sync of a stable one"
