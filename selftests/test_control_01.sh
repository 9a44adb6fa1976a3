#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: the control node adds and removes devices by number, finds a free one, and
# says EEXIST, ENODEV, EBUSY and EINVAL.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

node=$(control)
truncate -s 1M "$tmp/image"
expect "ctl_add" 77 "$(loopctl "$node" ctl_add 77)"
on_exit loopctl "$node" ctl_remove 77
settle
dev=/dev/${LOOP}77
[[ -b $dev ]] || fail "no $dev"
expect "minor" 77 "$((0x$(stat -c %T "$dev")))"
expect_error EEXIST loopctl "$node" ctl_add 77
expect_error ENODEV loopctl "$node" ctl_remove 78
expect_error EINVAL loopctl "$node" ctl_remove -1
expect_error ENOSYS loopctl "$node" raw 0x4c84 0

detach_at_exit "$dev"
losetup "$dev" "$tmp/image"
expect_error EBUSY loopctl "$node" ctl_remove 77
expect "size" 1048576 "$(size_of "$dev")"
detach "$dev"
settle
exec 3<"$dev"
expect_error EBUSY loopctl "$node" ctl_remove 77
exec 3<&-
settle
expect "ctl_remove" 0 "$(loopctl "$node" ctl_remove 77)"
settle
[[ ! -e $dev && ! -e /sys/block/${LOOP}77 ]] || fail "$dev is still there"
expect_error ENODEV loopctl "$node" ctl_remove 77

# Free ones are found, and made when there is none.
declare -A seen
for ((i = 0; i < 12; i++)); do
	number=$(loopctl "$node" ctl_get_free)
	# One that udev is just opening is not taken for free.
	settle
	expect "the same again" "$number" "$(loopctl "$node" ctl_get_free)"
	[[ -z ${seen[$number]-} ]] || fail "$number was free twice"
	seen[$number]=yes
	detach_at_exit "/dev/$LOOP$number"
	losetup "/dev/$LOOP$number" "$tmp/image"
	[[ $number -lt 8 ]] || on_exit loopctl "$node" ctl_remove "$number"
done
