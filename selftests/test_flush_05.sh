#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2: eight processes that write and flush at the same time all succeed, and all
# of their data is on the disk.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 32)
# With a page cache of its own, see flush_03.
target=$(dm target "$(linear "$node")")
body() {
	local dev i j operations pids=()
	dev=$(attach_mode "$1" "$target")
	for ((i = 0; i < 8; i++)); do
		operations=()
		for ((j = 0; j < 10; j++)); do
			operations+=("pwrite:$(((i * 10 + j) * 8192)):4096:$((i * 10 + j + 1))" fsync)
		done
		fdio "$dev:rw,direct" "${operations[@]}" >"$tmp/result$i" &
		pids+=("$!")
	done
	wait "${pids[@]}"
	for ((i = 0; i < 8; i++)); do
		expect "results of process $i" "$(printf '4096 0%.0s ' {1..10})" "$(results <"$tmp/result$i") "
		operations=()
		for ((j = 0; j < 10; j++)); do
			operations+=("pread:$(((i * 10 + j) * 8192)):4096")
		done
		expect "data of process $i" "$(for ((j = 1; j <= 10; j++)); do printf '4096 %d ' $((i * 10 + j)); done)" \
			"$(fdio "$node:ro,direct" "${operations[@]}" | results) "
	done
	detach "$dev"
	dd if=/dev/zero of="$target" bs=1M count=1 oflag=direct status=none
}
each_mode body
