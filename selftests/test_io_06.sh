#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: four jobs that write and flush at the same time do not disturb each other.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 32)
body() {
	local dev
	truncate -s 16M "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	fio_verify "$dev" --numjobs=4 --size=4M --offset_increment=4M --bs=8k \
		--fdatasync=32 --group_reporting
	drop_caches
	cmp "$dev" "$dir/image"
	detach "$dev"
	rm "$dir/image"
}
each_mode body
