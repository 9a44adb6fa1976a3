#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: partitions by LOOP_SET_STATUS64 and by hand: scanning is switched on later and
# stays on, partitions are added, resized and deleted, and the device can be detached
# through one of them.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_tool sfdisk
truncate -s 8M "$tmp/image"
printf 'label: dos\nstart=2048,size=1024\nstart=4096,size=1024\n' | sfdisk -q "$tmp/image"
dev=$(attach "$tmp/image")
name=$(name_of "$dev")
# It has the partitions read again whenever a disk was open for writing.
without_udev
partitions() {
	find "/sys/block/$name/" -maxdepth 1 -name "${name}p*" -printf '%f\n' | sort |
		sed "s/^$name//" | paste -sd' '
}
# blkpg add|delete|resize NUMBER [START LENGTH]: by ioctl, in 512-byte sectors.
blkpg() {
	python3 - "$dev" "$@" <<'END'
import ctypes, errno, fcntl, os, struct, sys
BLKPG = 0x1269
numbers = [int(number) for number in sys.argv[3:]] + [0, 0]
partition = ctypes.create_string_buffer(
    struct.pack("qqi64s64s4x", numbers[1] * 512, numbers[2] * 512, numbers[0], b"", b""))
operation = {"add": 1, "delete": 2, "resize": 3}[sys.argv[2]]
try:
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), BLKPG, struct.pack(
        "iiixxxxQ", operation, 0, len(partition), ctypes.addressof(partition)))
except OSError as error:
    print(errno.errorcode[error.errno])
    sys.exit(1)
END
}
# reread: the partition table.
reread() { loopctl "$dev" raw 0x125f 0; }
expect_error EINVAL reread
expect "partitions" "" "$(partitions)"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 flags=8)"
expect "partitions" "p1 p2" "$(partitions)"
expect "partscan" 1 "$(attribute "$dev" partscan)"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 flags=0)"
expect "partscan" 1 "$(attribute "$dev" partscan)"
expect "rereading" 0 "$(reread)"

blkpg add 3 8192 2048
expect_error EBUSY blkpg add 4 9216 2048
expect_error EBUSY blkpg add 3 12288 2048
expect "partitions" "p1 p2 p3" "$(partitions)"
blkpg resize 3 8192 1024
expect "size of partition 3" $((1024 * 512)) "$(size_of "${dev}p3")"
pattern 4096 >"$tmp/data"
dd if="$tmp/data" of="${dev}p3" bs=4k conv=fsync status=none
cmp "$tmp/data" "$tmp/image" -i 0:$((8192 * 512)) -n 4096
exec 3<"${dev}p3"
expect_error EBUSY blkpg delete 3
expect_error EBUSY reread
exec 3<&-
blkpg delete 2
expect "partitions" "p1 p3" "$(partitions)"
# The table knows better.
expect "rereading" 0 "$(reread)"
expect "partitions" "p1 p2" "$(partitions)"

# What is asked of a partition's node is meant for the device.
expect "number" "number=${dev#/dev/"$LOOP"}" "$(loopctl "${dev}p2" get_status64 | head -n 1)"
expect "set_capacity" 0 "$(loopctl "${dev}p2" set_capacity)"
expect_error EBUSY loopctl "${dev}p2" configure "$tmp/data"
exec 3<"${dev}p1"
expect "clr_fd" 0 "$(loopctl "${dev}p2" clr_fd)"
is_attached "$dev" || fail "detached while a partition is open"
exec 3<&-
eventually is_detached "$dev"
expect "partitions of a detached device" "" "$(partitions)"

# By hand, without a scan.
losetup "$dev" "$tmp/image"
blkpg add 5 64 64
expect "partitions" p5 "$(partitions)"
losetup -d "$dev"
eventually is_detached "$dev"
expect "partitions of a detached device" "" "$(partitions)"
