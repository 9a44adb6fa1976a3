#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3, P5: who is told of a loss is the same each time, 200 times over: three descriptors
# of the device, of which the first has met it, one of another device on the same file,
# and one of the file.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_tool python3
require_module dm_mod
without_udev
export DM_DISABLE_UDEV=1
rounds=$(scaled 200)
# What is written directly fails at once, and the file has not lost it.
declare -A expected=(
	[buffered]="EIO EIO EIO EIO EIO, EIO 0 0 0 0, 0 0 0 0 0"
	[direct]="EIO EIO EIO 0 0, 0 0 0 0 0, 0 0 0 0 0"
)
body() {
	local mode=$1 node target dev other
	node=$(ram_disk 16)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode "$mode" "$target")
	other=$(attach_mode "$mode" "$target")
	python observers "$dev" "$other" "${target##*/}" "$node" "$rounds" >"$tmp/outcomes"
	log "$(driver), $mode: $(<"$tmp/outcomes")"
	expect "outcomes" "${expected[$mode]}"$'\t'"$rounds" "$(<"$tmp/outcomes")"
	detach "$dev"
	detach "$other"
}
bodies() { each_mode body; }
with_c_loop bodies
