#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2: of ten flushes that are under way at the same time when a write is lost none
# reports success, also those that the block layer holds back until one has failed.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_delay
node=$(ram_disk 16)
bad=$(dm bad "$(error_table "$node")")
good=$(linear "$node")
# What fails does so after a second.
slow="0 $(sectors_of "$node") delay $bad 0 0 $bad 0 1000 $bad 0 0"
target=$(dm target "$good")
dev=$(attach_mode buffered "$target")
fds=()
for ((i = 0; i < 10; i++)); do
	exec {fd}<>"$dev"
	fds+=("$fd")
done
# They were under way if they began before the first of them ended.
together=0
for ((try = 0; try < 5 && together < 5; try++)); do
	expect "write" 4096 "$(fdio "$dev:rw,direct" pwrite:8192:4096:1 | results)"
	dm_switch "$target" "$slow"
	# All are there before one begins: ten may not start within a second.
	rm -f "$tmp"/ready? "$tmp/go"
	pids=()
	for ((i = 0; i < 10; i++)); do
		fdio "fd=${fds[i]}" "touch:$tmp/ready$i" "wait:$tmp/go" fsync >"$tmp/lines$i" &
		pids+=("$!")
	done
	for ((i = 0; i < 10; i++)); do eventually test -e "$tmp/ready$i"; done
	: >"$tmp/go"
	wait "${pids[@]}"
	for ((i = 0; i < 10; i++)); do grep ' fsync ' "$tmp/lines$i" >"$tmp/result$i"; done
	dm_switch "$target" "$good"
	first=$(cut -d' ' -f2 "$tmp"/result? | sort -n | head -n 1)
	together=0
	for ((i = 0; i < 10; i++)); do
		read -r start _ _ result <"$tmp/result$i"
		[[ $start -lt $first ]] || continue
		together=$((together + 1))
		expect "fsync of $i, which was under way" EIO "$result"
	done
	# All are told of it by now, and will not be when it is tried again.
	for fd in "${fds[@]}"; do fdio "fd=$fd" fsync fsync >/dev/null; done
done
for fd in "${fds[@]}"; do exec {fd}>&-; done
note "$together fsyncs at the same time"
[[ $together -ge 5 ]] || fail "only $together fsyncs were under way at the same time"
