#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: the same random sequence of ioctls gives the same results, statuses and
# sysfs as with the C driver, except for what twins.c lists with the reasons.
# The same each time unless SEED is given: another one may find what nobody has seen yet.
SEED=${SEED:-796419074}
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

load_side_by_side
a=$(ram_disk 64)
b=$(ram_disk 64)
dirs=()
for fs in tmpfs ext4; do
	dirs+=("$(make_backing "$fs" 64)")
done
without_udev
detach_both() {
	local LOOP
	for LOOP in loop loopr; do detach_all; done
}
on_exit detach_both
twins --seed "$SEED" --steps "$(scaled 3000)" --blocks "$a,$b" "${dirs[@]}" >&2 ||
	fail "twins --seed $SEED"
