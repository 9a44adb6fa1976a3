#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P10: with direct I/O a device asks for memory as aligned as the disk below does,
# and what is read and written from such memory is right. (The C driver of 7.2 always
# asks for 512 bytes, that of 7.3 does so.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
node=$(scsi_disk dev_size_mb=32)
need=$(limit "$node" dma_alignment)
[[ $need -lt 511 ]] || skip "$node asks for $need itself"
# The least that the driver asks for.
[[ $need -ge 3 ]] || need=3
# verify DEVICE: memory that begins so many bytes into a page.
verify() {
	python3 - "$1" $((need + 1)) <<'END' || fail "memory at $((need + 1))"
import mmap, os, random, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
at = int(sys.argv[2])
data = random.Random(1).randbytes(65536)
area = mmap.mmap(-1, 65536 + 4096)
memory = memoryview(area)[at:at + 65536]
memory[:] = data
if os.pwritev(fd, [memory], 131072) != 65536:
    sys.exit("short write")
memory[:] = bytes(65536)
if os.preadv(fd, [memory], 131072) != 65536 or memory != data:
    sys.exit("read other data than was written")
END
}
body() {
	local dev
	dev=$(attach "$1" --direct-io=on)
	expect "dio of $dev with $1" 1 "$(attribute "$dev" dio)"
	expect "dma_alignment" "$need" "$(limit "$dev" dma_alignment)"
	verify "$dev"
	losetup --direct-io=off "$dev"
	expect "dma_alignment through the page cache" 511 "$(limit "$dev" dma_alignment)"
	losetup --direct-io=on "$dev"
	expect "dma_alignment" "$need" "$(limit "$dev" dma_alignment)"
	detach "$dev"
	expect "dma_alignment of a detached device" 511 "$(limit "$dev" dma_alignment)"
}
body "$node"
mkfs.ext4 -q -F "$node"
settle
mount_at "$tmp/mnt" "$node"
dd if=/dev/zero of="$tmp/mnt/image" bs=1M count=1 conv=fsync status=none
body "$tmp/mnt/image"
umount "$tmp/mnt"
settle
