#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: direct I/O to a file of a file system that has nothing to sync, as erofs, can be asked for
# when attaching, by the descriptor, and later.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool mkfs.erofs
require_module erofs
mkdir "$tmp/tree"
pattern 1048576 >"$tmp/tree/a"
cp "$tmp/tree/a" "$tmp/tree/b"
mkfs.erofs "$tmp/erofs" "$tmp/tree" >/dev/null 2>&1
node=$(ram_disk 8)
dd if="$tmp/erofs" of="$node" bs=1M conv=fsync status=none
mount_at "$tmp/mnt" -t erofs -o ro "$node"
# is_direct DEVICE: and it has the file's content.
is_direct() {
	expect "dio" 1 "$(attribute "$1" dio)"
	cmp "$tmp/tree/a" "$1"
}
body() {
	local dev
	dev=$(free_device)
	detach_at_exit "$dev"
	expect "configure" 0 "$(loopctl "$dev" configure "$tmp/mnt/a:ro" flags=17)"
	is_direct "$dev"
	expect "change_fd" 0 "$(loopctl "$dev" change_fd "$tmp/mnt/b:ro,direct")"
	is_direct "$dev"
	settle
	detach "$dev"

	expect "set_fd" 0 "$(loopctl "$dev" set_fd "$tmp/mnt/a:ro,direct")"
	is_direct "$dev"
	settle
	detach "$dev"

	losetup --read-only "$dev" "$tmp/mnt/a"
	expect "set_direct_io" 0 "$(loopctl "$dev" set_direct_io 1)"
	is_direct "$dev"
	settle
	detach "$dev"
}
with_c_loop body
