# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests that compare rloop with the C driver, on top of stress_common.sh. To be
# sourced.

# shellcheck source=selftests/stress_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/stress_common.sh"

# behaves_alike STEPS [OPTION…]: both drivers after the same random ioctls, SEED's; see
# twins.c, whose options these are.
behaves_alike() {
	local steps=$1 status=0 a b fs dirs=()
	shift
	load_side_by_side
	a=$(ram_disk 64)
	b=$(ram_disk 64)
	for fs in tmpfs ext4; do
		dirs+=("$(make_backing "$fs" 64)")
	done
	without_udev
	on_exit detach_both
	twins "$@" --seed "$SEED" --steps "$(scaled "$steps")" --blocks "$a,$b" "${dirs[@]}" >&2 ||
		status=$?
	[[ $status -ne 4 ]] || skip "the kernel has no 32-bit entry"
	expect "status of twins $* --seed $SEED" 0 "$status"
}
detach_both() {
	local LOOP
	for LOOP in loop loopr; do detach_all; done
}
