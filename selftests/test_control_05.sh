#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: who may not write the device may not change it, except with CAP_SYS_ADMIN;
# what it is, anybody may ask.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool setpriv
truncate -s 1M "$tmp/image"
chmod 755 "$tmp"
dev=$(attach "$tmp/image")
chmod 644 "$dev"
on_exit chmod 660 "$dev"
cp "$(command -v loopctl)" "$tmp/loopctl"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/loopctl" "$dev:ro" "$@"; }
expect_error EPERM nobody set_status64 offset=4096
expect_error EPERM nobody set_status offset=4096
expect_error EPERM nobody set_capacity
expect_error EPERM nobody set_direct_io 1
expect_error EPERM nobody set_block_size 4096
expect "number" "number=${dev#/dev/"$LOOP"}" "$(nobody get_status64 | head -n 1)"
expect "size" 1048576 "$(size_of "$dev")"
expect "block size" 512 "$(limit "$dev" logical_block_size)"
# Root may, through the same read-only open.
expect "set_status64" 0 "$(loopctl "$dev:ro" set_status64 offset=4096)"
expect "set_block_size" 0 "$(loopctl "$dev:ro" set_block_size 4096)"
expect "size" $((1048576 - 4096)) "$(size_of "$dev")"
