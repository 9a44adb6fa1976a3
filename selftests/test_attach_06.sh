#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: direct I/O can be asked for at attach and switched later, and sysfs tells
# which it is.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 16)
truncate -s 4M "$dir/image"
for mode in on off; do
	dev=$(attach "$dir/image" --direct-io=$mode)
	expect "dio with $mode" "$([[ $mode == on ]] && echo 1 || echo 0)" "$(attribute "$dev" dio)"
	detach "$dev"
done
# A file opened with O_DIRECT asks for it, too.
dev=$(free_device)
detach_at_exit "$dev"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$dir/image:rw,direct")"
expect "dio" 1 "$(attribute "$dev" dio)"

pattern 65536 >"$tmp/data"
for mode in off on off; do
	losetup --direct-io=$mode "$dev"
	expect "dio" "$([[ $mode == on ]] && echo 1 || echo 0)" "$(attribute "$dev" dio)"
	dd if="$tmp/data" of="$dev" bs=64k oflag=direct conv=notrunc status=none
	cmp "$tmp/data" <(dd if="$dev" bs=64k count=1 iflag=direct status=none)
done
detach "$dev"
expect_error ENXIO loopctl "$dev" set_direct_io 1

# It falls back where the offset makes it impossible, and is refused later.
dev=$(attach "$dir/image" -o 1000 --direct-io=on)
expect "dio with an unsuitable offset" 0 "$(attribute "$dev" dio)"
expect_error EINVAL loopctl "$dev" set_direct_io 1
