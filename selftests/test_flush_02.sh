#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: a flush waits for the writes in flight before it. (The C driver's returns
# before the write has completed.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_delay
node=$(ram_disk 16)
# Writes take their time, reads and flushes do not.
slow=$(dm slow "0 $(sectors_of "$node") delay $node 0 0 $node 0 1000 $node 0 0")
body() {
	local dev round tries=0 write flush flusher early=0
	dev=$(attach_mode direct "$slow")
	for ((round = 0; round < 3 && tries < 12; tries++)); do
		# Who flushes is there already: to start it may take as long as the write.
		rm -f "$tmp/ready" "$tmp/go"
		fdio "$dev:rw,direct" "touch:$tmp/ready" "wait:$tmp/go" fsync >"$tmp/flusher" &
		flusher=$!
		eventually test -e "$tmp/ready"
		fdio "$dev:rw,direct" "pwrite:$((round * 65536)):4096:1" >"$tmp/write" &
		# On a busy machine the write may be over before it is seen: again.
		until is_writing "$dev" || ! kill -0 "$!" 2>/dev/null; do
			sleep 0.02
		done
		: >"$tmp/go"
		wait "$!" "$flusher"
		grep ' fsync ' "$tmp/flusher" >"$tmp/flush"
		read -r -a write <"$tmp/write"
		read -r -a flush <"$tmp/flush"
		expect "write" 4096 "${write[3]}"
		expect "flush" 0 "${flush[3]}"
		# Only a flush that began while the write was in flight says anything.
		[[ ${flush[0]} -lt ${write[1]} ]] || continue
		round=$((round + 1))
		note "$(driver): the write took $(((write[1] - write[0]) / 1000000)) ms;" \
			"the flush began after $(((flush[0] - write[0]) / 1000000)) ms" \
			"and ended after $(((flush[1] - write[0]) / 1000000)) ms"
		# Two processes that are woken at the same time may look at the
		# clock in any order: a quarter of the write's time is far more.
		if [[ $((write[1] - flush[1])) -gt $(((write[1] - write[0]) / 4)) ]]; then
			early=$((early + 1))
		fi
	done
	expect "rounds" 3 "$round"
	detach "$dev"
	expect "flushes that did not wait" 0 "$early"
}
with_c_loop body
