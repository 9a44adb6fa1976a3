#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: an offset or size limit that is no position in a file is EOVERFLOW, and
# nothing is attached.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 1M "$tmp/image"
dev=$(free_device)
for bad in offset=0x8000000000000000 offset=0xffffffffffffffff \
	sizelimit=0x8000000000000000 sizelimit=0xfffffffffffffe00; do
	expect_error EOVERFLOW loopctl "$dev" configure "$tmp/image" "$bad"
	is_detached "$dev" || fail "$dev is attached in spite of $bad"
done

# Neither does a bad change alter a device.
detach_at_exit "$dev"
losetup -o 4096 "$dev" "$tmp/image"
expect_error EOVERFLOW loopctl "$dev" set_status64 offset=0x8000000000000000
expect_error EOVERFLOW loopctl "$dev" set_status64 sizelimit=0x8000000000000000
expect "offset" 4096 "$(attribute "$dev" offset)"
expect "sizelimit" 0 "$(attribute "$dev" sizelimit)"
expect "size" $((1048576 - 4096)) "$(size_of "$dev")"
