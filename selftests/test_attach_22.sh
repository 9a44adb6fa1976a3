#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: a device cannot become its own backing file, not even by way of another
# one.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
truncate -s 1M "$tmp/image"
a=$(free_device)
expect_error EBADF loopctl "$a" set_fd "$a"
is_detached "$a" || fail "$a is attached to itself"
expect_log "$(name_of "$a"):" "its own backing file"

# A device without a file is none for another one.
number=$(loopctl "$(control)" ctl_add 90)
expect "ctl_add" 90 "$number"
on_exit loopctl "$(control)" ctl_remove 90
settle
expect_error EINVAL loopctl "$a" set_fd "/dev/${LOOP}90"

detach_at_exit "$a"
losetup -r "$a" "$tmp/image"
b=$(attach "$a" -r)
c=$(attach "$b" -r)
expect_error EBUSY loopctl "$a" set_fd "$c:ro"
expect_error EBADF loopctl "$a" change_fd "$c:ro"
expect_error EBADF loopctl "$b" change_fd "$c:ro"
expect "backing file" "$tmp/image" "$(attribute "$a" backing_file)"
expect "size" 1048576 "$(size_of "$c")"
