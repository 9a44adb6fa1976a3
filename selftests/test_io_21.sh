#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P7: with direct I/O, zeroing where the disk below has ceased to be able to, by writing zeroes,
# loses nothing of what is written beside it in the same page at the same time.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver leaves that to its caller"
require_module dm_mod
require_module dm_delay
dir=$(make_backing tmpfs 16)
truncate -s 8M "$dir/image"
# It can write zeroes, and null_blk cannot.
lower=$(attach "$dir/image")
other=$(ram_disk 8)
disk=$(dm zero "$(linear "$lower")")
dev=$(attach_mode direct "$disk")
expect "block size" 512 "$(limit "$dev" logical_block_size)"
[[ $(limit "$dev" write_zeroes_max_bytes) -gt 0 ]] || fail "the device does not zero"
# Reads take no time, writes do.
dm_switch "$disk" "$(slow_write_table "$other" 2000)"
fdio "$dev:rw,direct" pwrite:512:512:7 >"$tmp/write" &
eventually is_writing "$dev"
# It goes down at once, and has two seconds there.
sleep 0.3
fallocate -p -o 0 -l 512 "$dev"
wait "$!"
expect "write" 512 "$(results <"$tmp/write")"
sync "$dev"
blockdev --flushbufs "$disk"
expect "what was written" "512 7" "$(fdio "$disk:ro,direct" pread:512:512 | results)"
expect "what was zeroed" "512 0" "$(fdio "$disk:ro,direct" pread:0:512 | results)"
detach "$dev"
patiently dmsetup remove "$(basename "$disk")"
detach "$lower"
umount "$dir"
