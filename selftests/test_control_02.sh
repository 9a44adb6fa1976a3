#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: LOOP_CHANGE_FD gives a read-only device another file of the same size, and
# refuses all else with the device as before.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 1048576 1 >"$tmp/old"
pattern 1048576 2 >"$tmp/new"
truncate -s 2M "$tmp/larger"
dev=$(attach "$tmp/old")
expect_error EINVAL loopctl "$dev" change_fd "$tmp/new:ro"
expect "backing_file" "$tmp/old" "$(attribute "$dev" backing_file)"
detach "$dev"
expect_error ENXIO loopctl "$dev" change_fd "$tmp/new:ro"

dev=$(attach "$tmp/old" -r -o 4096)
cmp "$dev" "$tmp/old" -i 0:4096 -n 1044480
expect_error EINVAL loopctl "$dev" change_fd "$tmp/larger:ro"
expect_error EBADF loopctl "$dev" change_fd fd=-1
expect_error EINVAL loopctl "$dev" change_fd /dev/zero:ro
expect "backing_file" "$tmp/old" "$(attribute "$dev" backing_file)"
expect "change_fd" 0 "$(loopctl "$dev" change_fd "$tmp/new:ro")"
expect "backing_file" "$tmp/new" "$(attribute "$dev" backing_file)"
# Neither the device's page cache nor anything else shows the old one.
blockdev --flushbufs "$dev"
cmp "$dev" "$tmp/new" -i 0:4096 -n 1044480
rm "$tmp/old"
expect "size" $((1048576 - 4096)) "$(size_of "$dev")"
