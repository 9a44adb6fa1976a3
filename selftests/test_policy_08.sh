#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: with the policy `rewrite' what was lost is not forgotten when the device shows less of
# its file for a time: only a reset heals what could not be written again.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

lossy_device rewrite
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
# show BYTES: of the file, 0 for all.
show() { expect "set_status64" 0 "$(loopctl "$dev" set_status64 sizelimit="$1")"; }
lose_writes "$dev" "$target" "$node" 8388608
show 65536
expect "size" 128 "$(sectors_of "$dev")"
dd if=/dev/zero of="$dev" bs=64k count=1 oflag=direct conv=notrunc status=none
expect "fsync when all that is shown is written again" EIO "$(fdio "$dev" fsync | results)"
show 0
dd if=/dev/zero of="$dev" bs=1M count=16 oflag=direct conv=notrunc status=none
expect "fsync when all is shown, and written again" EIO "$(fdio "$dev" fsync | results)"
set_to "$dev" health reset
expect "fsync after a reset" 0 "$(fdio "$dev" fsync | results)"
