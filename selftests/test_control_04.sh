#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: unknown requests, null pointers, unknown flags and reserved fields are
# refused with a specific errno.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
truncate -s 1M "$tmp/image"
dev=$(free_device)
expect_error EFAULT loopctl "$dev" configure null
for flags in 2 32 0x80000000 0xffffffff; do
	expect_error EINVAL loopctl "$dev" configure "$tmp/image" "flags=$flags"
	is_detached "$dev" || fail "$dev is attached with flags $flags"
	expect_log "$(name_of "$dev"):" "flags $((flags)):" allowed
done
dev=$(attach "$tmp/image")
expect_error EINVAL loopctl "$dev" get_status64 null
expect_error EFAULT loopctl "$dev" set_status64 null
expect_error EFAULT loopctl "$dev" raw 0x4c05 1
# Unknown ones of the same letter, and of no letter at all.
for request in 0x4c0b 0x4c7f 0x12345678; do
	got=$(loopctl "$dev" raw "$request" 0 || true)
	[[ $got == EINVAL || $got == ENOTTY ]] || fail "ioctl $request: $got"
done
expect "size" 1048576 "$(size_of "$dev")"
