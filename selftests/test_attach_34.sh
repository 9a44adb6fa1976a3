#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a device whose file cannot be asked for anything any more, as its file system has been shut
# down, can be renamed, taken off direct I/O and marked for being detached.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

# set_status DEVICE FLAGS: LOOP_SET_STATUS64. (LOOP_GET_STATUS64, by which others begin, asks the file.)
set_status() {
	python3 -c 'import fcntl, os, struct, sys
info = bytearray(232)
struct.pack_into("I", info, 52, int(sys.argv[2]))
info[56:61] = b"other"
fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), 0x4c04, info)' "$@"
}
body() {
	local dir dev
	dir=$(make_backing xfs 320)
	truncate -s 8M "$dir/image"
	dev=$(attach_mode direct "$dir/image")
	# XFS_IOC_GOINGDOWN, without writing the log.
	python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))' "$dir"
	expect_failure stat "$dir/image"
	set_status "$dev" 0
	expect "set_direct_io" 0 "$(loopctl "$dev" set_direct_io 0)"
	expect "dio" 0 "$(attribute "$dev" dio)"
	exec 5<"$dev"
	set_status "$dev" 4
	expect "autoclear" 1 "$(attribute "$dev" autoclear)"
	exec 5<&-
	settle
	eventually is_detached "$dev"
	umount "$dir"
}
with_c_loop body
