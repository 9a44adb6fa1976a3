#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: `queues', `queue_depth' and `workers' are readable and checked when the module
# is loaded; a bound device has as many hardware queues as asked for.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "needs rloop"
cpus=$(nproc)
[[ $cpus -ge 2 ]] || skip "one processor"
truncate -s 1M "$tmp/image"
parameter() { cat "/sys/module/$module/parameters/$1"; }
# hardware_queues DEVICE
hardware_queues() { find "/sys/block/$(name_of "$1")/mq" -mindepth 1 -maxdepth 1 -type d | wc -l; }

on_exit restore_module
eventually rmmod "$module"
log_budget
# refused PARAMETER VALUE RANGE
refused() {
	expect_failure insmod "$RLOOP" "$1=$2"
	grep -q "Invalid parameters" "$tmp/output" || fail "$1=$2: $(cat "$tmp/output")"
	expect_log "$1 $2:" "$3"
}
for value in -1 $((cpus + 1)); do
	refused queues "$value" "0 (automatic) to the number of processors"
done
for value in 0 4097 -1; do
	refused queue_depth "$value" "1..=4096"
done
for value in -1 513; do
	refused workers "$value" "0 (automatic) to 512"
done
insmod "$RLOOP"

# check QUEUES WANTED
check() {
	local dev
	load_with queues="$1" queue_depth=16 workers=3
	expect "parameter queues" "$1" "$(parameter queues)"
	expect "parameter queue_depth" 16 "$(parameter queue_depth)"
	expect "parameter workers" 3 "$(parameter workers)"
	dev=$(attach "$tmp/image")
	expect "hardware queues with queues=$1" "$2" "$(hardware_queues "$dev")"
	expect "rloop/queues with queues=$1" "$2" "$(setting "$dev" queues)"
	expect "rloop/workers" 3 "$(setting "$dev" workers)"
	cmp "$tmp/image" "$dev"
	detach "$dev"
}
check 1 1
check "$cpus" "$cpus"

load_with queues=0
dev=$(attach "$tmp/image")
automatic=$(hardware_queues "$dev")
[[ $automatic -ge 2 && $automatic -le $cpus ]] || fail "queues=0 gives $automatic"
expect "rloop/queues with queues=0" "$automatic" "$(setting "$dev" queues)"
