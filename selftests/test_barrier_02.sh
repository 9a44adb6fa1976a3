#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# flush_mode barrier: data is right and nothing hangs when many write, read and flush at
# the same time.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 32M "$tmp/image"
body() {
	local dev
	dev=$(attach_mode "$1" "$tmp/image")
	set_to "$dev" flush_mode barrier
	fio_verify "$dev" --fsync=4 --numjobs=2 --size=4M --offset_increment=4M
	detach "$dev"
}
body buffered
# Not every file system can.
[[ $(df --output=fstype "$tmp" | tail -n 1) == tmpfs ]] || body direct
