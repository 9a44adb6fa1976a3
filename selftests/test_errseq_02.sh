#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2: of ten flushes that are under way at the same time, on all hardware queues, when a
# write is lost none reports success, also those that the block layer holds back until one
# has failed.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_tool taskset
require_module dm_delay
require_module dm_flakey
# Ten flushes cannot be on more.
processors=$(($(nproc) < 10 ? $(nproc) : 10))
fds=()
# Also if it fails: whoever has the device open keeps it bound, and the module loaded.
close_fds() {
	local fd
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	fds=()
}
# One for each processor.
under_test_is_c || load_with "queues=$processors"
# Of each hardware queue of the device what is in flight.
in_hardware_queues() { compgen -G "/sys/kernel/debug/block/${1##*/}/hctx*/busy"; }
# look_at_queues DEVICE PID: sets flushing, how many of the hardware queues had a flush at the
# same time, and queues, how many there are, or 0 if that is not told; until all had, or the
# process has ended.
look_at_queues() {
	local now files=()
	mapfile -t files < <(in_hardware_queues "$1")
	queues=${#files[@]} flushing=0
	while [[ $flushing -lt $queues ]] && kill -0 "$2" 2>/dev/null; do
		now=$(grep -l 'op=FLUSH' "${files[@]}" | wc -l || true)
		flushing=$((now > flushing ? now : flushing))
	done
}
# round MODE: sets together, how many were under way at the same time, too. They were if they
# began before the first of them ended.
round() {
	local mode=$1 i first start result pids=()
	expect "write" 4096 "$(fdio "$dev:rw,direct" pwrite:8192:4096:1 | results)"
	dm_switch "$target" "$slow"
	# All are there before one begins: ten may not start within a second.
	rm -f "$tmp"/ready? "$tmp/go"
	for ((i = 0; i < 10; i++)); do
		taskset -c $((i % processors)) fdio "fd=${fds[i]}" "touch:$tmp/ready$i" \
			"wait:$tmp/go" fsync >"$tmp/lines$i" &
		pids+=("$!")
	done
	for ((i = 0; i < 10; i++)); do eventually test -e "$tmp/ready$i"; done
	: >"$tmp/go"
	look_at_queues "$dev" "${pids[0]}"
	wait "${pids[@]}"
	for ((i = 0; i < 10; i++)); do grep ' fsync ' "$tmp/lines$i" >"$tmp/result$i"; done
	dm_switch "$target" "$good"
	first=$(cut -d' ' -f2 "$tmp"/result? | sort -n | head -n 1)
	together=0
	for ((i = 0; i < 10; i++)); do
		read -r start _ _ result <"$tmp/result$i"
		[[ $start -lt $first ]] || continue
		together=$((together + 1))
		expect "$mode: fsync of $i, which was under way" EIO "$result"
	done
}
body() {
	local mode=$1 node bad good slow target dev fd i together=0 try queues=1 flushing=0
	# That can lose what is in its cache.
	node=$(ram_disk 16 cache_size=4)
	bad=$(dm bad "$(loss_table "$mode" "$node")")
	good=$(linear "$node")
	# What fails does so after a second: the write of a page, or the flush of the disk.
	slow="0 $(sectors_of "$node") delay $bad 0 0 $bad 0 1000 $bad 0 0"
	[[ $mode == buffered ]] ||
		slow="0 $(sectors_of "$node") delay $bad 0 0 $bad 0 0 $bad 0 1000"
	target=$(dm target "$good")
	dev=$(attach_mode "$mode" "$target")
	on_exit close_fds
	for ((i = 0; i < 10; i++)); do
		exec {fd}<>"$dev"
		fds+=("$fd")
	done
	for ((try = 0; try < 5 && (together < 5 || flushing < queues); try++)); do
		round "$mode"
		# All are told of it by now, and will not be when it is tried again.
		for fd in "${fds[@]}"; do fdio "fd=$fd" fsync fsync >/dev/null; done
	done
	close_fds
	[[ $queues -gt 0 ]] || note "the kernel does not tell what is in the hardware queues"
	note "$mode: $together fsyncs at the same time, flushes on $flushing of $queues hardware queues"
	[[ $together -ge 5 ]] || fail "only $together fsyncs were under way at the same time"
	expect "hardware queues with a flush" "$queues" "$flushing"
	detach "$dev"
}
each_mode body
