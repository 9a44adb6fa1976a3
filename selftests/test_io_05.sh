#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: requests of all sizes from 512 bytes to 256 KiB, many at a time, arrive
# whole, with libaio and io_uring.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 32)
body() {
	local dev engine
	truncate -s 16M "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	for engine in libaio io_uring; do
		fio_verify "$dev" --ioengine=$engine --size=8M --bsrange=512-256k \
			--bs_unaligned=0 --blockalign=512 --verify_backlog=64
	done
	drop_caches
	cmp "$dev" "$dir/image"
	detach "$dev"
	rm "$dir/image"
}
each_mode body
