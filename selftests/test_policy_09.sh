#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: with the policy `rewrite' nothing is suspect that was cut off from the file: what is left
# can be written again, and a flush succeeds then.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

lossy_device rewrite
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
lose_writes "$dev" "$target" "$node" 0 8388608
expect "suspect" '0 8,16384 8' "$(suspect "$dev")"
# 4 MiB are left of what it lies on.
dm_switch "$target" "0 8192 linear $node 0"
expect "set_capacity" 0 "$(loopctl "$dev" set_capacity)"
expect "size" 8192 "$(sectors_of "$dev")"
expect "suspect of what is left" '0 8' "$(suspect "$dev")"
expect "fsync" EIO "$(fdio "$dev" fsync | results)"
expect "write" 4096 "$(fdio "$dev:rw,direct" pwrite:0:4096:1 | results)"
expect "fsync when it is written again" 0 "$(fdio "$dev" fsync | results)"
expect "health" 'state ok error 0 suspect 0' "$(health "$dev")"
detach "$dev"
