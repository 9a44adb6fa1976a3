#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: with the policy `report', the default, a loss fails one flush, and the next ones
# succeed; what has happened can be seen until a reset.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

body() {
	local node target dev
	lossy_device "" "$1"
	expect "error_policy" report "$(setting "$dev" error_policy)"
	expect "health" "state ok error 0 suspect 0" "$(health "$dev")"
	lose_writes "$dev" "$target" "$node" 8192
	expect "write and fsync" "4096 0" "$(fdio "$dev:rw,direct" pwrite:0:4096:9 fsync | results)"
	expect "health" "state failed error 5 suspect 0" "$(health "$dev")"
	set_to "$dev" health reset
	expect "health" "state ok error 0 suspect 0" "$(health "$dev")"
	detach "$dev"
}
each_mode body
