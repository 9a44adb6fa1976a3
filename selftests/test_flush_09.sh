#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: what was zeroed before a flush is zero after a crash, on f2fs, too, for which a zeroed block is
# no data that fdatasync would have to look for.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool mkfs.f2fs
require_module f2fs
# mebibytes FILE COUNT: so many more of them, stored before anything else is.
mebibytes() { dd if=/dev/urandom of="$1" bs=1M count="$2" conv=notrunc,fsync oflag=append status=none; }
# crash DIRECTORY: as if the power went: nothing that is in memory only is written.
crash() {
	python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack("I", 2)) # NOSYNC' "$1"
}
body() {
	local mode dir node dev
	for mode in buffered direct; do
		dir=$(mktemp -d "$tmp/f2fs.XXXXXX")
		node=$(ram_disk 128)
		mkfs.f2fs -q -f "$node" >/dev/null
		mount_at "$dir" -t f2fs "$node"
		# In two parts: the largest extent, which f2fs writes down at once, is not the one that is zeroed.
		mebibytes "$dir/image" 8
		mebibytes "$dir/other" 4
		mebibytes "$dir/image" 4
		sync -f "$dir"
		dev=$(attach_mode "$mode" "$dir/image")
		fdio "$dev:rw" fsync >/dev/null
		blkdiscard -z -f -o 9M -l 1M "$dev"
		expect "fsync" 0 "$(fdio "$dev:rw" fsync | results)"
		crash "$dir"
		detach "$dev"
		umount "$dir"
		mount -t f2fs "$node" "$dir"
		cmp -n 1M -i 9M:0 "$dir/image" /dev/zero || fail "$mode: what was zeroed is there again"
		umount "$dir"
	done
}
with_c_loop body
