#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: allocations below the driver's workers fail at random during I/O: each
# request has a result, what succeeded is right, and afterwards all succeeds.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection failslab fail_page_alloc
name=$(module_name)
start=$(<"/sys/module/$name/sections/.text")
size=$(awk -v name="$name" '$1 == name { print $2 }' /proc/modules)
# faults PERCENT: of the allocations that have the module in their backtrace.
faults() {
	local attributes=/sys/kernel/debug/$1 percent=$2 file
	[[ -e $attributes/require-start ]] || skip "no CONFIG_FAULT_INJECTION_STACKTRACE_FILTER"
	for file in "require-start=$start" "require-end=$(printf '0x%x' $((start + size)))" \
		stacktrace-depth=32 times=-1 interval=1 "probability=$percent"; do
		[[ $percent -eq 0 ]] || echo "${file#*=}" >"$attributes/${file%%=*}"
	done
	echo "$percent" >"$attributes/probability"
}
no_faults() {
	local which file
	for which in failslab fail_page_alloc; do
		for file in probability=0 times=1 stacktrace-depth=0 require-start=0 \
			require-end=0xffffffffffffffff; do
			echo "${file#*=}" >"/sys/kernel/debug/$which/${file%%=*}"
		done
	done
}
on_exit no_faults
clean='^([0-9]+|fsync) (ENOMEM|EIO)$'
body() {
	local mode=$1 file=$2 dev which errors
	dev=$(attach_mode "$mode" "$file")
	for which in failslab fail_page_alloc; do
		drop_caches
		faults "$which" 20
		scan "$dev:direct" write --count 1024 --seed "$SEED" --passes "$(scaled 2)" --fsync \
			--state "$tmp/state" >"$tmp/errors"
		scan "$dev:direct" read --count 1024 --state "$tmp/state" >>"$tmp/errors" ||
			fail "wrong data: $(grep differs "$tmp/errors" | head)"
		faults "$which" 0
		errors=$(grep -vcE "$clean" "$tmp/errors" || true)
		log "$mode on $file, $which: $(cut -d' ' -f2 "$tmp/errors" | sort | uniq -c | paste -sd' ')"
		[[ $errors -eq 0 ]] || fail "other errors: $(grep -vE "$clean" "$tmp/errors" | head)"
		# What was lost was told: one flush may still have to say so.
		fdio "$dev" fsync >/dev/null
		scan "$dev:direct" write --count 1024 --seed 77 --fsync --state "$tmp/state" >"$tmp/errors"
		scan "$dev:direct" read --count 1024 --state "$tmp/state" >>"$tmp/errors"
		expect "errors afterwards" '' "$(<"$tmp/errors")"
	done
	detach "$dev"
	rm "$tmp/state"
}
# No ext4: 7.2's own code ends in a BUG() when allocations fail under it.
dir=$(make_backing tmpfs 24)
truncate -s 4M "$dir/image"
each_mode body "$dir/image"
umount "$dir"
each_mode body "$(ram_disk 16)"
clean_unload
