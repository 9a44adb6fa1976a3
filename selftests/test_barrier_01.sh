#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: with flush_mode `drain' a write that comes after a flush does not wait for it; with
# `barrier' it does, and a read does not.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_delay
node=$(ram_disk 16 cache_size=4)
# Flushes take their time, in ms.
delay=2000
table() { slow_flush_table "$node" "$delay"; }
slow=$(dm slow "$(table)")
dev=$(attach_mode direct "$slow")
syncs() { setting "$dev" stats | awk '/^syncs/ { print $2 }'; }
more_syncs() { [[ $(syncs) -gt $1 ]]; }
# overtakes OPERATION: it ends long before a flush that was begun before it. Says
# something only if it began in the first half of the flush's time: so it is tried
# until it did, with flushes that take longer each time.
overtakes() {
	local try before flush other time waiting
	for ((try = 0; try < 6; try++)); do
		before=$(syncs)
		# The other one is there already: to start it may take as long as the flush.
		rm -f "$tmp/ready" "$tmp/go"
		fdio "$dev:rw,direct" "touch:$tmp/ready" "wait:$tmp/go" "$1" >"$tmp/lines" &
		waiting=$!
		eventually test -e "$tmp/ready"
		fdio "$dev:rw,direct" fsync >"$tmp/flush" &
		eventually more_syncs "$before"
		: >"$tmp/go"
		wait "$!" "$waiting"
		grep -F " $1 " "$tmp/lines" >"$tmp/other"
		read -r -a flush <"$tmp/flush"
		read -r -a other <"$tmp/other"
		expect "fsync" 0 "${flush[3]}"
		expect "$1" 4096 "${other[3]}"
		time=$((flush[1] - flush[0]))
		if [[ ${other[0]} -ge $((flush[0] + time / 2)) ]]; then
			delay=$((delay * 2))
			dm_switch "$slow" "$(table)"
			continue
		fi
		log "$1 ends $(((flush[1] - other[1]) / 1000000)) ms before a flush of" \
			"$((time / 1000000)) ms"
		# Two processes that are woken at the same time may look at the
		# clock in any order: a quarter of the flush's time is far more.
		[[ $((flush[1] - other[1])) -le $((time / 4)) ]] || return 0
		return 1
	done
	fail "$1 never began in the first half of a flush"
}
# The machine may be busy for once.
can_overtake() {
	local i
	for ((i = 0; i < 5; i++)); do
		if overtakes "$1"; then return 0; fi
	done
	fail "$(setting "$dev" flush_mode): $1 never overtakes a flush"
}
expect "flush_mode" drain "$(setting "$dev" flush_mode)"
can_overtake pwrite:8192:4096:1
set_to "$dev" flush_mode barrier
for round in 1 2 3; do
	if overtakes pwrite:8192:4096:2; then
		fail "barrier: a write overtakes a flush in round $round"
	fi
done
can_overtake pread:65536:4096
set_to "$dev" flush_mode drain
can_overtake pwrite:8192:4096:3
