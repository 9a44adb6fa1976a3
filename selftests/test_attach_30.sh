#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a claim (O_EXCL) or a lock (flock) of the descriptor that a device was given stays in
# force until the device is detached or given another one, and no longer.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool flock
claimed() {
	! python3 -c 'import os, sys
os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)' "$1" 2>"$tmp/error" &&
		grep -q "Device or resource busy" "$tmp/error"
}
locked() { ! flock -n "$1" true; }
is_free() { ! "$@"; }

disk=$(ram_disk 4)
dev=$(free_device)
detach_at_exit "$dev"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$disk:excl")"
claimed "$disk" || fail "the claim ends with the descriptor"
fdio "$dev:rw" pwrite:0:4096:7 fsync >/dev/null
settle
losetup -d "$dev"
is_detached "$dev" || fail "somebody else has it open"
is_free claimed "$disk" || fail "still claimed"

dir=$(make_backing ext4 32)
truncate -s 1M "$dir/a" "$dir/b"
# give FILE WHAT [ARGUMENT…]: gives the device a descriptor that has the lock, and closes it.
give() {
	exec 9<"$1"
	flock -x 9
	expect "$2" 0 "$(loopctl "$dev" "$2" fd=9 "${@:3}")"
	exec 9<&-
}
give "$dir/a" configure
locked "$dir/a" || fail "the lock ends with the descriptor"
give "$dir/b" change_fd
locked "$dir/b" || fail "the lock ends with the descriptor"
eventually is_free locked "$dir/a"
settle
losetup -d "$dev"
is_detached "$dev" || fail "somebody else has it open"
is_free locked "$dir/b" || fail "still locked"

# Whoever closes it last detaches it.
exec 8<"$dev"
give "$dir/a" configure flags=4
settle
locked "$dir/a" || fail "the lock ends with the descriptor"
exec 8<&-
is_detached "$dev" || fail "somebody else has it open"
is_free locked "$dir/a" || fail "still locked"
umount "$dir"
