#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: bad module parameters refuse the load and the message says what is
# allowed.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
on_exit restore_module
eventually rmmod "$module"
log_budget
try() {
	local value=${1#*=} name=${1%%=*}
	expect_failure insmod "$RLOOP" "$1"
	[[ ! -d /sys/module/$module ]] || fail "loaded with $1"
	[[ ! -e /dev/loop-control ]] || fail "there is a control node after $1"
	expect_log "$name" "$value" "$2"
}
try name=foo 'begin with "loop"'
try name=loop1 "not end in a digit"
try max_part=-1 0..=255
try max_part=256 0..=255
try max_loop=-1 0..=1048576
try max_loop=1048577 0..=1048576

insmod "$RLOOP" max_loop=3 max_part=7
settle
expect "devices" 3 "$(find /sys/block -name 'loop[0-9]*' | wc -l)"
expect "max_part" 7 "$(<"/sys/module/$module/parameters/max_part")"
expect "max_loop" 3 "$(<"/sys/module/$module/parameters/max_loop")"
expect "minor of the second" 8 "$((0x$(stat -c %T /dev/loop1)))"
