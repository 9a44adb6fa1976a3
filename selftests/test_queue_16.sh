#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8: the same on a file system whose cached blocks, too, can be read only by who may wait, and
# with one worker for those.
# shellcheck source=selftests/high_common.sh
source "$(dirname "$0")/high_common.sh"

require_module overlay
require_controllers memory io
[[ $(wc -l </proc/swaps) -le 1 ]] || skip "anonymous memory could be swapped out"
dir=$(make_backing ext4 64)
mkdir "$dir/lower" "$dir/upper" "$dir/work" "$tmp/merged"
dd if=/dev/urandom of="$dir/upper/image" bs=1M count=32 conv=fsync status=none
mount_overlay "$dir" "$tmp/merged"
under_test_is_c || load_with queues=1 workers=1
high_group
hold_up_nobody "$tmp/merged/image"
umount "$tmp/merged" "$dir"
