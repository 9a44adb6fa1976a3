#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: what a memfd or a file system protects stays as it is: a write through the
# device to a sealed memfd fails, a file with fs-verity is read-only and read with
# its checks.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dev=$(free_device)
detach_at_exit "$dev"
python3 - "$dev" <<'END' || fail "sealed memfd"
import fcntl, mmap, os, sys
LOOP_SET_FD, LOOP_CLR_FD, BLKFLSBUF = 0x4C00, 0x4C01, 0x1261
F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE = 1033, 2, 4, 8
fd = os.memfd_create("sealed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
os.write(fd, b"s" * 65536)
fcntl.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
node = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
fcntl.ioctl(node, LOOP_SET_FD, fd)
page = mmap.mmap(-1, 4096)
page.write(b"x" * 4096)
try:
    os.pwritev(node, [page], 4096)
    sys.exit("a write to a sealed memfd succeeds")
except OSError as error:
    print("write:", error, file=sys.stderr)
if os.pread(fd, 65536, 0) != b"s" * 65536:
    sys.exit("a sealed memfd has changed")
if os.preadv(node, [page], 4096) != 4096 or page[:] != b"s" * 4096:
    sys.exit("a sealed memfd cannot be read")
fcntl.ioctl(node, LOOP_CLR_FD)
END
settle
eventually is_detached "$dev"

[[ -e /sys/fs/ext4/features/verity ]] || skip "the kernel has no fs-verity"
node=$(ram_disk 64)
mkfs.ext4 -q -F -O verity -b 4096 "$node"
mount_at "$tmp/mnt" "$node"
pattern 65536 >"$tmp/mnt/file"
cp "$tmp/mnt/file" "$tmp/data"
python3 - "$tmp/mnt/file" <<'END' || skip "no fs-verity here"
import fcntl, os, struct, sys
FS_IOC_ENABLE_VERITY = 0x40806685
fd = os.open(sys.argv[1], os.O_RDONLY)
# Version 1, SHA-256, blocks of 4096 bytes, neither salt nor signature.
fcntl.ioctl(fd, FS_IOC_ENABLE_VERITY, struct.pack("<IIIIQIIQ88x", 1, 1, 4096, 0, 0, 0, 0, 0))
END
dev=$(attach "$tmp/mnt/file" -r)
cmp "$dev" "$tmp/data"
expect "ro" 1 "$(blockdev --getro "$dev")"
detach "$dev"
# One block of the file is changed below the file system.
block=$(filefrag -v "$tmp/mnt/file" | awk '$1 == "0:" { sub(/\.\./, "", $4); print $4 }')
umount "$tmp/mnt"
printf X | dd of="$node" bs=1 seek=$((block * 4096 + 5000)) conv=notrunc,fsync status=none
mount "$node" "$tmp/mnt"
dev=$(attach "$tmp/mnt/file" -r)
dd if="$dev" bs=4096 count=1 of=/dev/null status=none iflag=direct
expect_failure dd if="$dev" bs=4096 skip=1 count=1 of=/dev/null status=none iflag=direct
grep -q "Input/output error" "$tmp/output" || fail "$(cat "$tmp/output")"
detach "$dev"
