#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: a device with blocks of 4096 bytes keeps data, and takes nothing smaller.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 32)
body() {
	local dev
	truncate -s 16M "$dir/image"
	dev=$(attach_mode "$1" "$dir/image" -b 4096)
	fio_verify "$dev" --bsrange=4k-64k
	expect "unaligned" "EINVAL EINVAL" \
		"$(fdio "$dev:rw,direct" pwrite:512:512:1 pread:512:512 | results)"
	drop_caches
	cmp "$dev" "$dir/image"
	detach "$dev"
	rm "$dir/image"
}
each_mode body
