#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: sysfs tells what stands in the way of direct I/O.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver does not tell"
dir=$(make_backing ext4 16)
truncate -s 4M "$dir/image"
# reason WANTED ATTRIBUTES… of an attached device
reason() {
	local wanted=$1 dev
	shift
	dev=$(attach "$@")
	expect "dio_reason with ${*:2}" "$wanted" "$(<"/sys/block/$(name_of "$dev")/rloop/dio_reason")"
	detach "$dev"
	[[ ! -e /sys/block/$(name_of "$dev")/rloop ]] || fail "the directory outlives the binding"
}
reason none "$dir/image"
reason none "$dir/image" --direct-io=on
reason offset "$dir/image" -o 1000

# A file system on blocks of 4096 bytes cannot do less at once.
node=$(scsi_disk sector_size=4096 dev_size_mb=32)
reason block-size "$node"
reason none "$node" -b 4096
