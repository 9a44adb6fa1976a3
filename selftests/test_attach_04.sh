#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a device is read-only if `losetup -r' says so or the file was opened
# for reading only; then nothing changes the file.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 1048576 >"$tmp/image"
sum=$(sha256sum <"$tmp/image")

check() {
	expect "read-only flag of $1" 1 "$(blockdev --getro "$1")"
	cmp "$tmp/image" "$1"
	expect_failure dd if=/dev/zero of="$1" bs=4k count=1 conv=notrunc
	expect_failure dd if=/dev/zero of="$1" bs=4k count=1 conv=notrunc oflag=direct
	expect_failure blkdiscard "$1"
	expect_failure blkdiscard -z "$1"
	expect "contents" "$sum" "$(sha256sum <"$tmp/image")"
}
dev=$(attach "$tmp/image" -r)
check "$dev"
detach "$dev"

dev=$(free_device)
detach_at_exit "$dev"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$tmp/image:ro")"
check "$dev"
detach "$dev"

# As does a device that was itself opened for reading only.
expect "configure" 0 "$(loopctl "$dev:ro" configure "$tmp/image")"
check "$dev"
detach "$dev"

# The next one may be written again.
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$tmp/image")"
expect "read-only flag" 0 "$(blockdev --getro "$dev")"
dd if=/dev/zero of="$dev" bs=4k count=1 conv=notrunc,fsync status=none
