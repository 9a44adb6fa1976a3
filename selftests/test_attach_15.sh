#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: a backing file that is deleted lives on as long as the device.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 1048576 >"$tmp/image"
cp "$tmp/image" "$tmp/copy"
dev=$(attach "$tmp/image")
rm "$tmp/image"
cmp "$tmp/copy" "$dev"
pattern 4096 2 >"$tmp/data"
dd if="$tmp/data" of="$dev" bs=4k seek=9 conv=notrunc,fsync oflag=direct status=none
cmp "$tmp/data" <(dd if="$dev" bs=4k skip=9 count=1 iflag=direct status=none)
[[ $(attribute "$dev" backing_file) == "$tmp/image"* ]] ||
	fail "backing_file is $(attribute "$dev" backing_file)"
detach "$dev"

# A file that was already deleted can be attached through its descriptor.
exec 3<>"$tmp/copy"
rm "$tmp/copy"
expect "set_fd" 0 "$(loopctl "$dev" set_fd fd=3)"
detach_at_exit "$dev"
exec 3>&-
expect "size" 1048576 "$(size_of "$dev")"
dd if="$tmp/data" of="$dev" bs=4k conv=notrunc,fsync status=none
cmp -n 4096 "$tmp/data" "$dev"
detach "$dev"

# And one that never had a name.
expect "set_fd" 0 "$(loopctl "$dev" set_fd memfd)"
dd if="$tmp/data" of="$dev" bs=4k conv=notrunc,fsync oflag=direct status=none
cmp -n 4096 "$tmp/data" "$dev"
