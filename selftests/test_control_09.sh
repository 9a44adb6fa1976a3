#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: each refusal is one line of the kernel's log that names the device, the
# value, why, and what is allowed.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
truncate -s 1M "$tmp/image"
dir=$(make_backing tmpfs 8)
truncate -s 1M "$dir/image" "$dir/same"
truncate -s 2M "$dir/larger"
dev=$(free_device)
name=$(name_of "$dev")
log_budget
# refused ERRNO PATTERN COMMAND…: fails so, with one more line of that form.
refused() {
	local error=$1 pattern=$2
	shift 2
	expect_error "$error" loopctl "$@"
	expect "lines that match '$pattern'" 1 \
		"$(kernel_log | grep -c " $module: $pattern, allowed: [^ ]" || true)"
}
refused EINVAL "$LOOP: device number 1048576: there is no minor number for it" \
	"$(control)" ctl_add 1048576
refused EINVAL "$LOOP: removal of device -5: it is negative" "$(control)" ctl_remove -5
refused EINVAL "$name: flags 64: 0x40 is unknown" "$dev" configure "$tmp/image" flags=64
refused EOVERFLOW "$name: offset 9223372036854775808: files are not that large" \
	"$dev" configure "$tmp/image" offset=0x8000000000000000
refused EOVERFLOW "$name: size limit 9223372036854775808: files are not that large" \
	"$dev" configure "$tmp/image" sizelimit=0x8000000000000000
refused EINVAL "$name: block size 3072: the block layer does not support it" \
	"$dev" configure "$tmp/image" block_size=3072

dev=$(attach "$dir/image")
name=$(name_of "$dev")
refused EINVAL "$name: change of the backing file to descriptor [0-9]*: the device is writable" \
	"$dev" change_fd "$dir/same:ro"
detach "$dev"
dev=$(attach "$dir/image" -r)
name=$(name_of "$dev")
differs="it differs from that of the old one"
refused EINVAL "$name: size in sectors of the new backing file 4096: $differs" \
	"$dev" change_fd "$dir/larger:ro"
detach "$dev"
dev=$(attach "$tmp/image" -o 1)
name=$(name_of "$dev")
refused EINVAL "$name: direct I/O at offset 1: the backing file cannot do that" \
	"$dev" set_direct_io 1
detach "$dev"

# The rest in the next five seconds.
log_budget
expect "ctl_add" 95 "$(loopctl "$(control)" ctl_add 95)"
on_exit loopctl "$(control)" ctl_remove 95
settle
dev=$(free_device)
name=$(name_of "$dev")
refused EINVAL "$name: backing file ${LOOP}95: that device has no backing file" \
	"$dev" set_fd "/dev/${LOOP}95"
python3 - "$dev" "$tmp/image" <<'END' || fail "encryption"
import errno, fcntl, os, struct, sys
LOOP_CONFIGURE = 0x4C0A
node = os.open(sys.argv[1], os.O_RDWR)
config = bytearray(304)
# The descriptor, and `lo_encrypt_type'.
struct.pack_into("<I", config, 0, os.open(sys.argv[2], os.O_RDWR))
struct.pack_into("<I", config, 8 + 44, 18)
try:
    fcntl.ioctl(node, LOOP_CONFIGURE, config)
    sys.exit("attached")
except OSError as error:
    if error.errno != errno.EINVAL:
        raise
END
expect "lines about encryption" 1 \
	"$(kernel_log | grep -c " $module: $name: encryption type 18: .*dm-crypt, allowed: 0" || true)"

mount_at "$tmp/ramfs" -t ramfs ramfs
truncate -s 1M "$tmp/ramfs/image"
dev=$(attach "$tmp/ramfs/image")
name=$(name_of "$dev")
refused EINVAL "$name: direct I/O 1: the backing file cannot do that" \
	"$dev" set_direct_io 1
detach "$dev"
node=$(ram_disk 64 blocksize=4096)
mkfs.ext4 -q -F "$node"
mount_at "$tmp/ext4" "$node"
truncate -s 1M "$tmp/ext4/image"
dev=$(attach "$tmp/ext4/image")
name=$(name_of "$dev")
refused EINVAL "$name: direct I/O with block size 512: the backing file cannot do that" \
	"$dev" set_direct_io 1
