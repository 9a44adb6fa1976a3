#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: large sequential requests of 1 MiB arrive whole.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 64)
pattern 33554432 >"$tmp/data"
body() {
	local dev
	truncate -s 32M "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	dd if="$tmp/data" of="$dev" bs=1M oflag=direct conv=notrunc,fsync status=none
	drop_caches
	cmp "$tmp/data" "$dir/image"
	dd if="$dev" bs=1M iflag=direct status=none | cmp - "$tmp/data"
	# Through the page cache of the device, with readahead.
	drop_caches
	dd if="$dev" bs=1M status=none | cmp - "$tmp/data"
	detach "$dev"
	rm "$dir/image"
}
each_mode body
