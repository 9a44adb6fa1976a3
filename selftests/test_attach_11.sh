#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: what is no file for a block device is refused with a specific errno and a
# message that names the device; nothing is attached.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
dev=$(free_device)
truncate -s 1M "$tmp/image"
lines=0
# One more line of the kernel's log names device, value and what is allowed.
expect_new_line() {
	local now
	! under_test_is_c || return 0
	now=$(kernel_log | grep -c "$(name_of "$dev"): .*file descriptor -\?[0-9]*: .*allowed: a regular file" || true)
	expect "lines in the kernel's log" $((lines + 1)) "$now"
	lines=$now
}
try() {
	expect_error "$1" loopctl "$dev" set_fd "$2"
	is_detached "$dev" || fail "$2 is attached"
	expect_new_line
}
try EBADF fd=-1
try EBADF fd=12345
try EBADF "$tmp/image:path"
try EINVAL "$tmp:ro"
try EINVAL /dev/zero
try EINVAL pipe
try EINVAL socket
try EINVAL "/dev/$LOOP-control"

for file in fd=-1 "$tmp:ro" /dev/zero pipe; do
	expect_error "$([[ $file == fd* ]] && echo EBADF || echo EINVAL)" \
		loopctl "$dev" configure "$file" offset=512
	is_detached "$dev" || fail "$file is attached"
	expect "size" 0 "$(size_of "$dev")"
done

# It is as usable as before.
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$tmp/image")"
detach_at_exit "$dev"
expect "size" 1048576 "$(size_of "$dev")"
