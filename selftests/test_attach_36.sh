#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5, P10: what could not be written back earlier fails no later change of the device's window or
# block size, and is still told to who asks for it by fsync.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
body() {
	local node disk dev change
	node=$(ram_disk 16)
	disk=$(dm bad "$(linear "$node")")
	for change in "set_status64 sizelimit=4194304" "set_block_size 4096"; do
		dev=$(attach_mode direct "$disk")
		exec 3<>"$dev"
		dd if=/dev/urandom of="$dev" bs=4k count=1 conv=notrunc status=none
		dm_switch "$disk" "$(error_table "$node")"
		# It writes back, and leaves it to others to tell.
		sync
		dm_switch "$disk" "$(linear "$node")"
		# shellcheck disable=SC2086
		expect "$change" 0 "$(loopctl "$dev" $change)"
		expect_failure sync "$dev"
		grep -q 'Input/output error' "$tmp/output" || fail "sync says: $(<"$tmp/output")"
		exec 3<&-
		detach "$dev"
	done
	dmsetup remove --retry "$(basename "$disk")"
	free_ram_disks
}
with_c_loop body
