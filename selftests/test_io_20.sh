#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P10: what was written and not flushed yet can be discarded and zeroed on a disk that the
# device's descriptor has claimed (O_EXCL). If somebody else has claimed it zeroing works as well,
# and a discard does nothing.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
# write_and [-z]: writes a block, and discards it, or zeroes it.
write_and() {
	expect "write" 4096 "$(fdio "$dev:rw,direct" pwrite:8192:4096:7 | results)"
	blkdiscard -f "$@" -o 8192 -l 4096 "$dev" || fail "blkdiscard $*"
}
block() { fdio "$dev:ro,direct" pread:8192:4096 | results; }
body() {
	local dir lower disk dev how
	dir=$(make_backing tmpfs 16)
	truncate -s 8M "$dir/image"
	# null_blk cannot write zeroes.
	lower=$(attach "$dir/image")
	disk=$(dm "zero$LOOP" "$(linear "$lower")")
	dev=$(free_device)
	detach_at_exit "$dev"
	expect "set_fd" 0 "$(loopctl "$dev" set_fd "$disk:excl")"
	[[ $(limit "$dev" write_zeroes_max_bytes) -gt 0 ]] || fail "the device does not zero"
	under_test_is_c || set_to "$dev" error_policy sticky
	for how in -z ''; do
		write_and ${how:+"$how"}
		expect "block after blkdiscard $how" "4096 0" "$(block)"
	done
	settle
	detach "$dev"

	if ! under_test_is_c; then
		# Who has it exclusively is none of the driver's.
		exec 4< <(exec python3 -c 'import os, sys, time
os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)
print("claimed", flush=True)
time.sleep(1000)' "$disk")
		on_exit kill "$!"
		read -r _ <&4
		losetup "$dev" "$disk"
		set_to "$dev" error_policy sticky
		write_and -z
		expect "block that was zeroed" "4096 0" "$(block)"
		write_and
		expect "block after a discard" "4096 7" "$(block)"
		expect "health" "state ok error 0 suspect 0" "$(health "$dev")"
		detach "$dev"
		kill "$!"
		exec 4<&-
	fi
	patiently dmsetup remove "$(basename "$disk")"
	detach "$lower"
	umount "$dir"
}
with_c_loop body
