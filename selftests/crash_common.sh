# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests with a disk whose writes are logged, on top of stress_common.sh. To be
# sourced.
#
#   CRASH_POINTS  how many points to cut the power at, default: the test's own

# The same programs and points each time, but for what timing makes of them.
SEED=${SEED:-1}
# shellcheck source=selftests/stress_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/stress_common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# python PROGRAM ARGUMENT…: one of the programs beside this file.
python() { PYTHONDONTWRITEBYTECODE=1 python3 "$here/$1.py" "${@:2}"; }
# must_have MODULE: Debian's kernels have it, where a test that needs it has to run.
must_have() {
	if [[ $(uname -r) == *deb* ]] && ! modprobe -n -q "$1"; then
		fail "Debian's kernel has no $1 any more"
	fi
	require_module "$1"
}
require_log() {
	require_tool python3
	must_have dm_log_writes
}
# logged NAME DISK LOG: the writes of DISK go to LOG, too. Prints the node. There is no
# udev, as it would have to look at each.
logged() {
	dmsetup create "$1" --table "0 $(sectors_of "$2") log-writes $2 $3"
	on_exit remove_logged "$1"
	echo "/dev/mapper/$1"
}
# remove_logged NAME: whereupon its log is complete.
remove_logged() { dmsetup remove --retry "$1"; }
# power_cut WORKLOAD SIZE MODE OUTER INNER POINTS: see powercut.py. Counts in $cut_points.
cut_points=0
power_cut() {
	local mib=64 dir=$tmp/cut-$RANDOM$RANDOM disk log replay cow dev points between bad entries
	local start=$SECONDS
	[[ $4 == ext4 ]] || mib=320
	[[ $5 != xfs ]] || mib=400
	mkdir "$dir"
	disk=$(ram_disk $mib)
	replay=$(ram_disk $mib)
	log=$(ram_disk 2048)
	cow=$(ram_disk 256)
	dev=$(free_device)
	# What is left if it fails in the middle.
	on_exit dmsetup remove --retry "${dir##*/}-logged"
	on_exit dmsetup remove --retry "${dir##*/}-snapshot"
	on_exit umount "$dir/outer"
	detach_at_exit "$dev"
	on_exit umount "$dir/inner"
	python powercut "$@" "$SEED" "$dev" "$dir" "$disk" "$log" "$replay" "$cow" >"$dir/result" ||
		fail "powercut $*, SEED=$SEED"
	read -r points between bad entries <"$dir/result"
	note "$(driver), $1, $3, $4, $5: $points points of $entries, $between of them between" \
		"flushes, $bad with losses; $((SECONDS - start)) s"
	cut_points=$((cut_points + points))
	expect "points with losses, SEED=$SEED" 0 "$bad"
	free_ram_disks
}
# cut_power WORKLOAD SIZE MODE OUTER INNER POINTS [everywhere]: the same, of CRASH_POINTS the
# part that POINTS is of those of all tests, in rounds; `everywhere': a round has all points
# that there are.
cut_power() {
	local wanted=$6 most=150 before=$cut_points rounds=0 points
	must_have dm_snapshot
	require_module "$4"
	[[ $5 == none ]] || require_module "$5"
	[[ -z ${CRASH_POINTS-} ]] || wanted=$((($6 * CRASH_POINTS + all_points - 1) / all_points))
	points=$((wanted > most ? most : wanted))
	[[ ${7-} != everywhere ]] || points=1000000
	while [[ $((cut_points - before)) -lt $wanted ]]; do
		[[ $((rounds++)) -lt 1000 ]] || fail "only $((cut_points - before)) points"
		power_cut "${@:1:5}" $points
		SEED=$((SEED + 1))
	done
}
# So many points do the tests ask for, all of them together.
all_points=420
# contract_holds MODE: after any sequence of up to LENGTH (default: 3) writes, FUA
# writes, zeroings and flushes, and a power failure at any point, there is what was
# flushed, and nothing that was not written. See contract.py.
contract_holds() {
	local mode=$1 disk log name=$TID-logged node dev sequences points bad
	require_log
	without_udev
	export DM_DISABLE_UDEV=1
	disk=$(ram_disk 16 cache_size=16)
	log=$(ram_disk 2048)
	node=$(logged "$name" "$disk" "$log")
	dev=$(attach_mode "$mode" "$node")
	python contract "$dev" "$name" "$log" "${LENGTH:-3}" >"$tmp/points"
	read -r sequences points bad <"$tmp/points"
	note "$sequences sequences, $points points, $bad with losses"
	expect "points with losses" 0 "$bad"
}
