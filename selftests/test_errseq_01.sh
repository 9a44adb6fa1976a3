#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5: ten descriptors of the device that have written each learn of the loss that
# the flush of the first has met, whenever they sync; the first once more; then
# none any more. (With the C driver nine of the ten never learn.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
body() {
	local node target dev i fd fds=() told=""
	node=$(ram_disk 16)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode buffered "$target")
	for ((i = 0; i < 10; i++)); do
		exec {fd}<>"$dev"
		fds+=("$fd")
		expect "write of $i" 4096 \
			"$(fdio "fd=$fd" "pwrite:$((i * 8192)):4096:$((i + 1))" | results)"
	done
	dm_switch "$target" "$(error_table "$node")"
	for fd in "${fds[@]}"; do told+=" $(fdio "fd=$fd" fsync | results)"; done
	dm_switch "$target" "$(linear "$node")"
	note "$(driver): ten descriptors, told:$told"
	expect "first fsync of each" "$(printf ' EIO%.0s' {1..10})" "$told"
	told=""
	for fd in "${fds[@]}"; do told+=" $(fdio "fd=$fd" fsync fsync | results),"; done
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	expect "two more of each" " EIO 0,$(printf ' 0 0,%.0s' {1..9})" "$told"
	detach "$dev"
}
with_c_loop body
