#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: what was written before a successful flush is on the disk below, not only in
# a page cache.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 32)
# Reading a device past its page cache writes that back. The disk's own node has
# another page cache than the one that is the backing file.
target=$(dm target "$(linear "$node")")
pattern 1048576 1 >"$tmp/data"
body() {
	local dev
	dd if=/dev/zero of="$target" bs=1M count=2 oflag=direct status=none
	dev=$(attach_mode "$1" "$target")
	dd if="$tmp/data" of="$dev" bs=64k conv=notrunc,fdatasync status=none
	dd if="$node" bs=64k count=16 iflag=direct status=none | cmp - "$tmp/data"
	# A write with O_DSYNC, that is FUA or a flush of its own.
	expect "O_DSYNC write" 4096 \
		"$(fdio "$dev:rw,direct,dsync" pwrite:1048576:4096:9 | results)"
	expect "on the disk" "4096 9" \
		"$(fdio "$node:ro,direct" pread:1048576:4096 | results)"
	detach "$dev"
}
each_mode body
