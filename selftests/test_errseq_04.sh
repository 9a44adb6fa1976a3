#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P5: those who look at the backing file from below, a descriptor that was open
# before, one opened by chance and another device, are told just what they would be
# without the driver: of pages that were lost, but not of a flush of the disk that
# somebody else was told has failed.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_flakey
declare -A told=([buffered]=EIO [direct]=0)
body() {
	local mode=$1 node target dev other
	node=$(ram_disk 16 cache_size=4)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode "$mode" "$target")
	other=$(attach_mode "$mode" "$target")
	new_steps
	steps 1 "$target" fsync fsync
	steps 2 "$other" fsync fsync
	steps 3 "$dev:rw,direct" pwrite:8192:4096:7 fsync fsync
	expect "write" 4096 "$(step 3)"
	dm_switch "$target" "$(loss_table "$mode" "$node")"
	expect "fsync of the device" EIO "$(step 3)"
	dm_switch "$target" "$(linear "$node")"
	expect "fsync of the device, which only one has open" 0 "$(step 3)"
	expect "fsync of the backing file" "${told[$mode]}" "$(step 1)"
	expect "fsync of a descriptor opened after somebody was told" 0 "$(fdio "$target" fsync | results)"
	expect "second fsync of the backing file" 0 "$(step 1)"
	expect "fsync of the other device" "${told[$mode]}" "$(step 2)"
	expect "second fsync of the other device" 0 "$(step 2)"
	wait
	detach "$dev"
	detach "$other"
}
each_mode body
