#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: `losetup -c' takes over a changed size of the file, up and down, within
# offset and size limit.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 1M "$tmp/image"
dev=$(attach "$tmp/image" -o 4096)
truncate -s 3M "$tmp/image"
expect "size before" $(((1 << 20) - 4096)) "$(size_of "$dev")"
losetup -c "$dev"
expect "size" $(((3 << 20) - 4096)) "$(size_of "$dev")"
pattern 4096 >"$tmp/data"
dd if="$tmp/data" of="$dev" bs=4k seek=766 conv=notrunc,fsync status=none
cmp "$tmp/data" <(tail -c 4096 "$tmp/image")

truncate -s 512k "$tmp/image"
losetup -c "$dev"
expect "size" $(((1 << 19) - 4096)) "$(size_of "$dev")"
truncate -s 4096 "$tmp/image"
losetup -c "$dev"
expect "size" 0 "$(size_of "$dev")"
detach "$dev"
expect_error ENXIO loopctl "$dev" set_capacity

truncate -s 1M "$tmp/image"
dev=$(attach "$tmp/image" --sizelimit 65536)
truncate -s 2M "$tmp/image"
losetup -c "$dev"
expect "size" 65536 "$(size_of "$dev")"
