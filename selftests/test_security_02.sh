#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: a file that is being swapped to is ETXTBSY; one that was opened for writing
# but has been made immutable or append-only since is EPERM, and can be attached
# read-only.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool mkswap chattr
log_budget
dir=$(make_backing ext4 64)
dev=$(free_device)
name=$(name_of "$dev")

dd if=/dev/zero of="$dir/swap" bs=64k count=64 status=none
chmod 600 "$dir/swap"
mkswap "$dir/swap" >/dev/null
swapon "$dir/swap"
on_exit swapoff "$dir/swap"
expect_error ETXTBSY loopctl "$dev" set_fd "$dir/swap"
expect_error ETXTBSY loopctl "$dev" set_fd "$dir/swap:ro"
is_detached "$dev" || fail "a swap file is attached"
swapoff "$dir/swap"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$dir/swap")"
detach "$dev"

for attribute in i a; do
	file=$dir/$attribute
	truncate -s 1M "$file"
	exec 3<>"$file"
	chattr "+$attribute" "$file"
	on_exit chattr "-$attribute" "$file"
	expect_error EPERM loopctl "$dev" set_fd fd=3
	is_detached "$dev" || fail "an immutable file is attached for writing"
	expect "set_fd" 0 "$(loopctl "$dev" set_fd "$file:ro")"
	detach_at_exit "$dev"
	expect "ro" 1 "$(blockdev --getro "$dev")"
	detach "$dev"
	chattr "-$attribute" "$file"
	expect "set_fd" 0 "$(loopctl "$dev" set_fd fd=3)"
	expect "ro" 0 "$(blockdev --getro "$dev")"
	detach "$dev"
	exec 3<&-
done
for why in "the kernel swaps to it" "it is immutable" "it can only be appended to"; do
	# Not -q, which does not read to the end.
	kernel_log | grep "$name: file descriptor [0-9]*: $why, allowed: " >/dev/null ||
		fail "no line in the kernel's log: $why"
done
