#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P4: attaching a file takes no writeback error away from the descriptor that was
# given, nor from others. (The C driver does.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
body() {
	local node target dev given other status=0
	node=$(ram_disk 16)
	target=$(dm target "$(linear "$node")")
	dev=$(free_device)
	detach_at_exit "$dev"
	exec 3<>"$target" 4<>"$target"
	expect "write" 4096 "$(fdio fd=3 pwrite:4096:4096:1 | results)"
	dm_switch "$target" "$(error_table "$node")"
	# Loses the write; those who had it open are not told yet.
	expect "fsync of a third descriptor" EIO "$(fdio "$target" fsync | results)"
	dm_switch "$target" "$(linear "$node")"
	loopctl "$dev" set_fd fd=3 >"$tmp/attached" || status=$?
	given=$(fdio fd=3 fsync | results)
	other=$(fdio fd=4 fsync | results)
	note "$(driver): attach: $(<"$tmp/attached"), fsync of the given descriptor: $given, of another: $other"
	expect "fsync of the given descriptor" EIO "$given"
	expect "fsync of another descriptor" EIO "$other"
	[[ $status -eq 0 || $(<"$tmp/attached") == EIO ]] || fail "attach: $(<"$tmp/attached")"
	exec 3<&- 4<&-
}
with_c_loop body
