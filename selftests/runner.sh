#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs tests one after the other and judges what each leaves behind.
set -uo pipefail

usage() {
	cat <<-END
		Usage: runner.sh [PATTERN…]

		Runs the tests whose name (flush_01) or file name matches a PATTERN, in the
		order of the patterns, or all. For each: '# starting NAME', then 'ok N
		NAME', 'ok N NAME # SKIP why' or 'not ok N NAME' after the test's output,
		indented. A test fails, too,
		if the kernel complains meanwhile, or a device or mount stays behind.

		Only for a machine that does nothing else: tests detach all loop devices,
		unload the driver, stop udev and fill memory. Outside of the virtual
		machine of scripts/vm it wants to be told that by RLOOP_TEST_HOST=1.

		LOOP    prefix of the device nodes under test (default loop)
		LIMIT   seconds that a test may take, instead of those in \`settings'
		WITHIN  seconds after which no further test begins: the rest is skipped
		V=1     shows the output of tests that pass, too
	END
}
case ${1-} in
-h | --help) usage && exit ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C LOOP=${LOOP:-loop}
limit=90
# shellcheck source=/dev/null
[[ ! -e $here/settings ]] || source "$here/settings"
limit=${LIMIT:-${timeout:-$limit}}
if [[ $EUID -ne 0 ]]; then
	echo "1..0 # SKIP not root"
	exit 4
fi
if [[ ! -e /rloop/vm.conf && ${RLOOP_TEST_HOST-} != 1 ]]; then
	echo "runner.sh: the tests detach all loop devices of this machine and unload the driver." >&2
	echo "If nothing else uses it: RLOOP_TEST_HOST=1; 'make test' uses a virtual machine." >&2
	exit 1
fi
if [[ ! -c /dev/$LOOP-control ]]; then
	echo "runner.sh: no /dev/$LOOP-control: is the driver loaded?" >&2
	exit 1
fi

# In the order of the patterns.
tests=()
[[ $# -gt 0 ]] || set -- '*'
for pattern in "$@"; do
	for file in "$here"/test_*_[0-9]*.sh; do
		name=${file##*/test_}
		name=${name%.sh}
		# Patterns are meant to match.
		# shellcheck disable=SC2053
		[[ $name == $pattern || ${file##*/} == $pattern ]] || continue
		[[ " ${tests[*]} " == *" $name "* ]] || tests+=("$name")
	done
done
if [[ ${#tests[@]} -eq 0 ]]; then
	echo "runner.sh: no such test: $*" >&2
	exit 1
fi

work=$(mktemp -d /tmp/runner.XXXXXX)
trap 'rm -rf -- "$work"' EXIT
# Comments and empty lines, which all lines would match, are none.
grep -v -e '^#' -e '^$' "$here/complaints" >"$work/patterns" || exit 1

# What a test must leave as it found it.
state() {
	local file
	for file in /sys/block/loop*/loop/backing_file; do
		[[ ! -e $file ]] || echo "attached: ${file%/loop/*} $(cat "$file" 2>/dev/null)"
	done
	awk '{ print "mounted: " $1, $2, $3 }' /proc/mounts
	dmsetup ls 2>/dev/null | grep -v '^No devices' | sed 's/^/dm: /'
	for file in /sys/kernel/config/nullb/*/; do
		[[ ! -d $file ]] || echo "null_blk: $file"
	done
	[[ ! -c /dev/$LOOP-control ]] || echo "control node: /dev/$LOOP-control"
	grep -H . /sys/module/rloop/parameters/* 2>/dev/null | sed 's/^/parameter: /'
	cut -d' ' -f1 /proc/modules | grep -E '^r?loop|null_blk' | sed 's/^/module: /'
	# A machine check, a bad page, an oops, a warning, a lockup.
	echo "tainted: $(($(</proc/sys/kernel/tainted) & (1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14)))"
}
# references: how many the drivers have, for devices that are bound or open.
references() { cat /sys/module/{loop,rloop}/refcnt 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'; }
# unreferenced N: at last there are no more than N.
unreferenced() {
	local i
	for ((i = 0; i < 300; i++)); do
		[[ $(references) -gt $1 ]] || return 0
		sleep 0.1
	done
	return 1
}
# tidy: best effort after a test that left something.
tidy() {
	local what
	grep '^mounted:' "$work/left" | tac | while read -r _ _ what _; do
		umount -l "$what"
	done
	grep '^attached:' "$work/left" | while read -r _ what _; do
		losetup -d "/dev/${what##*/}"
	done
	grep '^dm:' "$work/left" | while read -r _ what _; do
		dmsetup remove --force "$what"
	done
	grep '^null_blk:' "$work/left" | while read -r _ what; do
		echo 0 >"$what/power"
		rmdir "$what"
	done
	modprobe -r null_blk
	udevadm settle --timeout=10
}

# What the last one to use a device did may still be looked at.
udevadm settle --timeout=60
echo "TAP version 13"
echo "1..${#tests[@]}"
number=0 failures=0
for name in "${tests[@]}"; do
	number=$((number + 1))
	if [[ -n ${WITHIN-} && $SECONDS -ge $WITHIN ]]; then
		echo "ok $number $name # SKIP no test begins after $WITHIN s"
		continue
	fi
	echo "# starting $name"
	mark="rloop-selftest: runner $$ $number $name"
	echo "$mark" >/dev/kmsg
	state >"$work/before"
	referenced=$(references)
	start=$SECONDS
	timeout -k 10 "$limit" bash "$here/test_$name.sh" >"$work/output" 2>&1 </dev/null
	status=$?
	why=
	case $status in
	0) ;;
	4) ;;
	124 | 137 | 143)
		why="no end after $((SECONDS - start)) s (limit $limit s, status $status)"
		{
			echo "Tasks that cannot be interrupted:"
			for task in /proc/[0-9]*; do
				grep -qs '^State:.*D' "$task/status" || continue
				echo "$task $(tr '\0' ' ' <"$task/cmdline" 2>/dev/null)"
				cat "$task/stack" 2>/dev/null
			done
		} >>"$work/output"
		;;
	*) why="status $status" ;;
	esac

	# A test that was killed may have stopped it.
	pkill -CONT -x systemd-udevd
	udevadm settle --timeout=60
	dmesg | sed -n "/$mark\$/,\$p" >"$work/dmesg"
	if grep -E -f "$work/patterns" "$work/dmesg" >"$work/complaints"; then
		why="${why:+$why; }the kernel complains: $(head -n 1 "$work/complaints")"
	fi
	unreferenced "$referenced" ||
		why="${why:+$why; }the driver has $(references) references, and had $referenced"
	state >"$work/after"
	if ! diff "$work/before" "$work/after" >"$work/diff"; then
		why="${why:+$why; }it leaves behind: $(grep '^[<>]' "$work/diff" | tr '\n' ';')"
		comm -13 <(sort "$work/before") <(sort "$work/after") >"$work/left"
		tidy >/dev/null 2>&1
		# A driver that a test swapped for another one comes back.
		if [[ ! -c /dev/$LOOP-control && -e ${RLOOP:=/rloop/rloop.ko} ]]; then
			rmmod loop 2>/dev/null
			rmmod "$(basename "$RLOOP" .ko)" 2>/dev/null
			insmod "$RLOOP"
			udevadm settle --timeout=10
		fi
	fi

	if [[ -n $why ]]; then
		failures=$((failures + 1))
		sed 's/^/    /' "$work/output"
		echo "    $why"
		echo "    The end of the kernel's log:"
		tail -n 40 "$work/dmesg" | sed 's/^/      /'
		echo "not ok $number $name"
	elif [[ $status -eq 4 ]]; then
		echo "ok $number $name # SKIP $(sed -n 's/^SKIP: //p' "$work/output" | tail -n 1)"
	else
		if [[ ${V:-0} == 0 ]]; then
			grep '^# note: ' "$work/output"
		else
			sed 's/^/    /' "$work/output"
		fi
		echo "# $name took $((SECONDS - start)) s"
		echo "ok $number $name"
	fi
done
[[ $failures -eq 0 ]]
