#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: reads by a control group that is made to wait for each page of memory, as it has more
# than its memory.high, hold up no reads of cached blocks by others.
# shellcheck source=selftests/high_common.sh
source "$(dirname "$0")/high_common.sh"

require_controllers memory io
[[ $(wc -l </proc/swaps) -le 1 ]] || skip "anonymous memory could be swapped out"
dir=$(make_backing ext4 64)
dd if=/dev/urandom of="$dir/image" bs=1M count=32 conv=fsync status=none
under_test_is_c || load_with queues=1
high_group
hold_up_nobody "$dir/image"
umount "$dir"
