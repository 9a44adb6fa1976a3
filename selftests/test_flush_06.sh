#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: where direct writes fail, each of eight concurrent writers is told EIO; none
# is told that its write succeeded.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
target=$(dm target "$(error_table "$node")")
dev=$(attach_mode direct "$target")
pids=()
for ((i = 0; i < 8; i++)); do
	fdio "$dev:rw,direct" "wait:$tmp/go" pwrite:$((i * 4096)):4096:1 fdatasync \
		pwrite:$((i * 4096)):4096:1 >"$tmp/result$i" &
	pids+=("$!")
done
touch "$tmp/go"
wait "${pids[@]}"
for ((i = 0; i < 8; i++)); do
	got=$(grep -v wait: "$tmp/result$i" | results)
	[[ $got =~ ^EIO\ (0|EIO)\ EIO$ ]] || fail "process $i: $got"
done
# And with the page cache of the device in between, its flush tells.
for ((i = 0; i < 4; i++)); do
	expect "buffered write, fsync" "4096 EIO" \
		"$(fdio "$dev" pwrite:$((i * 4096)):4096:1 fsync | results)"
done
