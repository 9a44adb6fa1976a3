#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: with the policy `sticky' all writes and flushes fail after a loss, reads do not,
# until a reset.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

body() {
	local node target dev try
	lossy_device sticky "$1"
	expect "write and fsync" "4096 0" "$(fdio "$dev:rw,direct" pwrite:0:4096:9 fsync | results)"
	lose_writes "$dev" "$target" "$node" 8192
	for try in 1 2 3; do
		expect "fsync, write and read, try $try" "EIO EIO 4096 9" \
			"$(fdio "$dev:rw,direct" fsync pwrite:0:4096:1 pread:0:4096 | results)"
	done
	expect "a write through the page cache of the device" "4096 EIO" \
		"$(fdio "$dev" pwrite:65536:4096:1 fsync | results)"
	expect "health" "state failed error 5 suspect 0" "$(health "$dev")"
	set_to "$dev" health reset
	expect "health" "state ok error 0 suspect 0" "$(health "$dev")"
	expect "write and fsync" "4096 0" "$(fdio "$dev:rw,direct" pwrite:0:4096:7 fsync | results)"
	expect "on the disk" "4096 7" "$(fdio "$node:ro,direct" pread:0:4096 | results)"
	detach "$dev"
}
each_mode body
