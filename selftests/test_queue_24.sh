#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: with rloop/uncached=1 the module can be unloaded right after a write and a detach: nothing
# of it is left to be done a second later.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "needs rloop"
dir=$(make_backing ext4 32)
truncate -s 4M "$dir/image"
on_exit restore_module
for ((i = 0; i < 4; i++)); do
	dev=$(attach_mode buffered "$dir/image")
	set_to "$dev" uncached 1
	dd if=/dev/zero of="$dev" bs=64k count=16 oflag=direct status=none
	detach "$dev"
	eventually rmmod "$module"
	# So long that what was left would be done now; and to nobody's memory.
	sleep 1.5
	insmod "$RLOOP"
	settle
done
