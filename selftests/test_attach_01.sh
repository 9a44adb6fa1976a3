#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: unmodified `losetup -f --show' attaches a file, prints the node, and the
# file can be read through it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 1048576 >"$tmp/image"
if [[ $LOOP == loop ]]; then
	dev=$(losetup -f --show "$tmp/image")
else
	dev=$(free_device)
	losetup "$dev" "$tmp/image"
fi
detach_at_exit "$dev"
[[ $dev =~ ^/dev/${LOOP}[0-9]+$ ]] || fail "the node is called '$dev'"
[[ -b $dev ]] || fail "there is no block device $dev"
expect "size" 1048576 "$(size_of "$dev")"
expect "backing_file" "$tmp/image" "$(attribute "$dev" backing_file)"
cmp "$tmp/image" "$dev"

# What is written to the device is in the file after a flush.
pattern 65536 2 >"$tmp/new"
dd if="$tmp/new" of="$dev" bs=64k seek=3 conv=fsync,notrunc status=none
cmp "$tmp/new" <(dd if="$tmp/image" bs=64k skip=3 count=1 status=none)
detach "$dev"
cmp "$tmp/new" <(dd if="$tmp/image" bs=64k skip=3 count=1 status=none)
