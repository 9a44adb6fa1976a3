#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: `losetup -b' sets the logical block size; a bad one is EINVAL, says what
# is allowed, and nothing is attached.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
truncate -s 1M "$tmp/image"
for size in 512 1024 2048 4096; do
	dev=$(attach "$tmp/image" -b "$size")
	expect "logical block size" "$size" "$(limit "$dev" logical_block_size)"
	expect "physical block size" "$size" "$(limit "$dev" physical_block_size)"
	expect "size" 1048576 "$(size_of "$dev")"
	detach "$dev"
done

dev=$(free_device)
for size in 1 256 511 513 3000 131072 0x80000000; do
	expect_error EINVAL loopctl "$dev" configure "$tmp/image" "block_size=$size"
	is_detached "$dev" || fail "$dev is attached with block size $size"
	expect_log "$(name_of "$dev"):" "block size $((size)):" "from 512 to 65536"
done
# Not even as the size of the next one.
dev=$(attach "$tmp/image")
expect "logical block size" 512 "$(limit "$dev" logical_block_size)"

expect "set_block_size" 0 "$(loopctl "$dev" set_block_size 4096)"
expect "logical block size" 4096 "$(limit "$dev" logical_block_size)"
for size in 256 3000 131072; do
	expect_error EINVAL loopctl "$dev" set_block_size "$size"
done
expect "logical block size" 4096 "$(limit "$dev" logical_block_size)"
detach "$dev"
dev=$(attach "$tmp/image")
expect "logical block size after a detach" 512 "$(limit "$dev" logical_block_size)"
