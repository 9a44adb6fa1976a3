#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P2, P3: eight writers that flush while the disk below breaks and heals: whatever a
# successful flush has covered is there, whoever else's flush has met the loss, or the
# next fsync tells.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_tool python3
require_module dm_mod
without_udev
export DM_DISABLE_UDEV=1
body() {
	local mode=$1 node target dev rounds failed lost late
	node=$(ram_disk 64)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode "$mode" "$target")
	python promises "$dev" "${target##*/}" "$node" 8 "$(scaled 150)" "$SEED" >"$tmp/promises"
	read -r rounds failed lost late <"$tmp/promises"
	note "$(driver), $mode: $rounds writes and flushes, $failed failed, $lost were flushed and are lost," \
		"of $late more the next fsync told"
	[[ $failed -gt 0 && $failed -lt $rounds ]] || fail "$failed of $rounds failed"
	detach "$dev"
	broken=$((broken + lost))
}
bodies() {
	local broken=0
	each_mode body
	expect "writes that were flushed and are lost" 0 "$broken"
}
with_c_loop bodies
start_udev
clean_unload
