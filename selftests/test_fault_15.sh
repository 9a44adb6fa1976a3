#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: while every allocation of the driver's own fails, all reads and writes through the
# device succeed, and the data is right. (The C driver fails requests of several bios.)
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_tool fio
require_stack_filter
dir=$(make_backing xfs 320)
[[ -e /sys/module/xfs/sections/.text ]] || skip "XFS is no module here"
# code_of MODULE: its first address, and the first behind it; memory for code is whole pages.
code_of() {
	local addresses
	addresses=$(awk -v "module=[$1]" '$4 == module && tolower($2) == "t" { print $1 }' /proc/kallsyms | sort)
	[[ -n $addresses ]] || fail "/proc/kallsyms has no code of $1"
	printf '0x%x 0x%x\n' $((16#${addresses%%$'\n'*} & ~4095)) $(((16#${addresses##*$'\n'} | 4095) + 1))
}
# Some have both the driver and XFS in their backtrace: they are XFS's. Most others are the
# driver's, some are of what the kernel does for it, as readahead; those need not succeed either.
driver_code=$(code_of "$(module_name)")
xfs_code=$(code_of xfs)
most=1000000000
set_faults "require-start=${driver_code% *}" "require-end=${driver_code#* }" \
	"reject-start=${xfs_code% *}" "reject-end=${xfs_code#* }" stacktrace-depth=32 interval=1 "times=$most"
left() { cat "/sys/kernel/debug/$1/times"; }
failed() { echo $((2 * most - $(left failslab) - $(left fail_page_alloc))); }
body() {
	local mode=$1 dev direct depth
	truncate -s 0 "$dir/image"
	truncate -s 8M "$dir/image"
	dev=$(attach_mode "$mode" "$dir/image")
	set_faults probability=100
	for direct in 0 1; do
		for depth in 1 32; do
			# One after the other, and many at a time, so that they are merged.
			fio_verify "$dev" --rw=write --size=4M --direct=$direct --iodepth=$depth \
				--iodepth_batch_submit=$depth --end_fsync=1
			fio_verify "$dev" --offset=4M --size=4M --direct=$direct --iodepth=$depth
			drop_caches
			scan "$dev$([[ $direct -eq 0 ]] || echo :direct)" read --any --count 2048 --threads 8 \
				>"$tmp/errors"
			expect "reads that failed" '' "$(<"$tmp/errors")"
		done
	done
	set_faults probability=0
	detach "$dev"
}
each_mode body
note "$(driver): $(failed) allocations failed"
# Who never asks for memory cannot be refused any: then this shows nothing.
[[ $(failed) -gt 0 ]] || fail "the driver tried to allocate nothing"
umount "$dir"
clean_unload
