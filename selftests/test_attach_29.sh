#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10, P11: a partition of a device can back another device, and keeps the first one
# attached; it cannot become the file of the device that it is on.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool sfdisk
log_budget
pattern 4194304 >"$tmp/image"
printf 'label: dos\nstart=2048,size=2048\nstart=4096,size=2048\n' | sfdisk -q "$tmp/image"
lower=$(attach "$tmp/image" -P)
upper=$(attach "${lower}p2" -o 4096)
expect "size" $((2048 * 512 - 4096)) "$(size_of "$upper")"
expect "backing_file" "${lower}p2" "$(attribute "$upper" backing_file)"
pattern 65536 2 >"$tmp/data"
dd if="$tmp/data" of="$upper" bs=64k conv=notrunc,fsync oflag=direct status=none
cmp "$tmp/data" "$tmp/image" -i 0:$((4096 * 512 + 4096)) -n 65536
losetup -d "$lower"
is_attached "$lower" || fail "detached although a partition is in use"
cmp "$upper" "$tmp/image" -i 0:$((4096 * 512 + 4096)) -n $((2048 * 512 - 4096))
detach "$upper"
eventually is_detached "$lower"
settle

# The C driver lets that happen.
! under_test_is_c || exit 0
lower=$(attach "$tmp/image" -P -r)
upper=$(attach "${lower}p2" -r)
expect_error EBADF loopctl "$lower" change_fd "${lower}p1:ro"
expect_error EBADF loopctl "$lower" change_fd "$upper:ro"
expect_error EBADF loopctl "$upper" change_fd "$upper:ro"
expect "backing_file" "$tmp/image" "$(attribute "$lower" backing_file)"
