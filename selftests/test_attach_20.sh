#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: one file can back two devices, and both see what either wrote after a
# flush.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 1M "$tmp/image"
a=$(attach "$tmp/image")
b=$(attach "$tmp/image" -o 65536)
pattern 4096 >"$tmp/data"
dd if="$tmp/data" of="$a" bs=4k seek=20 conv=notrunc oflag=direct status=none
cmp "$tmp/data" <(dd if="$b" bs=4k skip=4 count=1 iflag=direct status=none)
dd if="$tmp/data" of="$b" bs=4k seek=7 conv=notrunc oflag=direct status=none
cmp "$tmp/data" <(dd if="$a" bs=4k skip=23 count=1 iflag=direct status=none)
detach "$a"
cmp "$tmp/data" <(dd if="$b" bs=4k skip=4 count=1 iflag=direct status=none)
