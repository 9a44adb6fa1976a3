#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: a descriptor of a disk that is gone does not give another one that has its number
# by now.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

! under_test_is_c || skip "the C driver uses the descriptor itself"
without_udev
old=$(ram_disk 4)
number=$(stat -Lc %t:%T "$old")
exec 9<>"$old"
echo 0 >"/sys/kernel/config/nullb/$(basename "$old")/power"
new=$(ram_disk 4)
[[ $(stat -Lc %t:%T "$new") == "$number" ]] || skip "the number is not used again"
dev=$(free_device)
expect "attaching what is gone" ENXIO "$(loopctl "$dev" configure fd=9)"
is_detached "$dev" || fail "it is attached"
exec 9>&-
