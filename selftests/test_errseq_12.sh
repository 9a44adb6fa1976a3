#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P4: another offset or block size syncs the device first; what that cannot write fails the
# ioctl, which then changes nothing, and what it leaves to be lost later the next flush tells.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
# With direct I/O the page that the ioctl writes reaches the disk at once.
declare -A wanted=([buffered]=0 [direct]=EIO)
# body MODE IOCTL
body() {
	local mode=$1 ioctl=$2 node target dev before argument told
	value() {
		case $ioctl in
		set_status64) echo "offset=$(attribute "$dev" offset)" ;;
		set_block_size) limit "$dev" logical_block_size ;;
		esac
	}
	node=$(ram_disk 16)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode "$mode" "$target")
	before=$(value)
	case $ioctl in
	set_status64) argument=offset=4096 ;;
	set_block_size) argument=$((before * 2)) ;;
	esac
	new_steps
	# Into the page cache of the device.
	steps 0 "$dev:rw" pwrite:8192:4096:7 fsync fsync fsync
	expect "write" 4096 "$(step 0)"
	dm_switch "$target" "$(error_table "$node")"
	told=$(loopctl "$dev" "$ioctl" "$argument" || true)
	note "$(driver), $mode: $ioctl is told $told"
	under_test_is_c || expect "$mode: $ioctl" "${wanted[$mode]}" "$told"
	expect "$mode: after $ioctl" "$([[ $told == 0 ]] && echo "$argument" || echo "$before")" "$(value)"
	# What is in the page cache of the backing file is lost in the background.
	[[ $mode == direct ]] ||
		expect "sync of the backing file by somebody else" EIO "$(fdio "$target" fsync | results)"
	dm_switch "$target" "$(linear "$node")"
	expect "$mode: the next fsync after $ioctl" EIO "$(step 0)"
	# It is told once more if udev had the device open.
	step 0 >/dev/null
	expect "$mode: fsync after that" 0 "$(step 0)"
	wait
	expect "$mode: $ioctl on a disk that works" 0 "$(loopctl "$dev" "$ioctl" "$argument")"
	expect "$mode: after that" "$argument" "$(value)"
	detach "$dev"
}
each_mode body set_status64
each_mode body set_block_size
