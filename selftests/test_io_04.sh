#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: what fio writes at random to a device on btrfs it reads back (crc32c),
# buffered and direct.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing btrfs 32)
body() {
	local dev
	truncate -s 16M "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	fio_verify "$dev" --size=16M --bs=16k
	# The same bytes without the driver.
	drop_caches
	cmp "$dev" "$dir/image"
	detach "$dev"
	rm "$dir/image"
}
each_mode body
