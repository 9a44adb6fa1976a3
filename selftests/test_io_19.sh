#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: zeroing less than a block of the device below, which its own interface refuses,
# works all the same; a discard does nothing. With `sticky' the device goes on.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver fails with EINVAL"
dir=$(make_backing ext4 16)
pattern 1048576 >"$dir/image"
lower=$(attach "$dir/image" -b 4096)
dev=$(attach "$lower")
[[ $(limit "$dev" logical_block_size) -eq 512 ]] || skip "the device has large blocks itself"
set_to "$dev" error_policy sticky
cp "$dir/image" "$tmp/wanted"
blkdiscard -z -f -o 512 -l 512 "$dev"
dd if=/dev/zero of="$tmp/wanted" bs=512 seek=1 count=1 conv=notrunc status=none
blkdiscard -z -f -o 7680 -l 9728 "$dev"
dd if=/dev/zero of="$tmp/wanted" bs=512 seek=15 count=19 conv=notrunc status=none
blkdiscard -f -o 66048 -l 512 "$dev"
drop_caches
cmp "$tmp/wanted" "$dev"
expect "health" "state ok error 0 suspect 0" "$(health "$dev")"
expect "write and fsync" "4096 0" "$(fdio "$dev:rw,direct" pwrite:0:4096:9 fsync | results)"
detach "$dev"
detach "$lower"
umount "$dir"
