#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: what the administrator has set for the queue stays when name, flags or file of a device
# change, or direct I/O is switched on and off.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

body() {
	local dev
	truncate -s 8M "$tmp/image" "$tmp/other"
	dev=$(attach "$tmp/image" --read-only)
	settings() { echo "$(limit "$dev" read_ahead_kb) $(limit "$dev" rotational)"; }
	echo $((1 - $(limit "$dev" rotational))) >"/sys/block/$(name_of "$dev")/queue/rotational"
	echo 16 >"/sys/block/$(name_of "$dev")/queue/read_ahead_kb"
	before=$(settings)
	expect "set_status64" 0 "$(loopctl "$dev" set_status64 name=other)"
	expect "read-ahead and kind with another name" "$before" "$(settings)"
	expect "set_status64" 0 "$(loopctl "$dev" set_status64 offset=4096)"
	expect "read-ahead and kind at another offset" "$before" "$(settings)"
	expect "set_status64" 0 "$(loopctl "$dev" set_status64 offset=0)"
	expect "change_fd" 0 "$(loopctl "$dev" change_fd "$tmp/other:ro")"
	expect "read-ahead and kind with another file" "$before" "$(settings)"
	detach "$dev"
}
with_c_loop body

# With direct I/O the device has the limits of this disk for memory.
switched() {
	local disk=$1 dev on
	dev=$(attach_mode buffered "$disk")
	echo $((1 - $(limit "$dev" rotational))) >"/sys/block/$(name_of "$dev")/queue/rotational"
	echo 16 >"/sys/block/$(name_of "$dev")/queue/read_ahead_kb"
	before=$(settings)
	for on in 1 0; do
		expect "set_direct_io" 0 "$(loopctl "$dev" set_direct_io "$on")"
		expect "dio" "$on" "$(attribute "$dev" dio)"
		expect "read-ahead and kind with direct I/O $on" "$before" "$(settings)"
	done
	detach "$dev"
}
disk=$(scsi_disk dev_size_mb=32)
[[ $(limit "$disk" dma_alignment) -lt 511 ]] || skip "this disk is as particular about memory as any"
switched "$disk"
