#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P7, flush_mode barrier: data is right, each request sees exactly those accepted before
# it, and nothing hangs when many write, read and flush at the same time.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_module dm_delay
node=$(ram_disk 32 cache_size=4)
# Flushes take their time, so that writes are held.
slow=$(dm slow "$(slow_flush_table "$node" 4)")
# flush DEVICE CPU: one flush after the other, through the CPU's hardware queue.
flush() { while :; do taskset -c "$2" fdio "$1:ro" fsync{,,,,,,,} >/dev/null; done; }
body() {
	local dev cpu pid flushing=()
	dev=$(attach_mode "$1" "$slow")
	set_to "$dev" flush_mode barrier
	fio_verify "$dev" --fsync=4 --numjobs=2 --size=4M --offset_increment=4M
	# With two of them one waits behind the other.
	for cpu in 0 $(($(nproc) - 1)); do
		flush "$dev" "$cpu" &
		flushing+=("$!")
		stop_at_exit "$!"
	done
	order "$dev" 4 "$(scaled 800)" "$SEED" >&2 || fail "order, $1, SEED=$SEED"
	for pid in "${flushing[@]}"; do
		stop "$pid"
	done
	detach "$dev"
}
each_mode body
