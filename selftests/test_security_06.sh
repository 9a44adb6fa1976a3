#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: whoever has a device open exclusively keeps it as it is: others can neither
# attach a file nor change the block size.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool sfdisk
truncate -s 1M "$tmp/image"
dev=$(free_device)
mkfifo "$tmp/fifo"
# with_holder NODE COMMAND…: while another process has that open exclusively.
with_holder() {
	local node=$1
	shift
	: >"$tmp/held"
	python3 -c 'import os, sys
os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)
print("held", flush=True)
sys.stdin.read()' "$node" <"$tmp/fifo" >"$tmp/held" &
	exec 4>"$tmp/fifo"
	eventually test -s "$tmp/held"
	"$@"
	exec 4>&-
	wait "$!"
}
refused() {
	expect_error EBUSY loopctl "$dev" set_fd "$tmp/image"
	expect_error EBUSY loopctl "$dev" configure "$tmp/image"
}
with_holder "$dev" refused
is_detached "$dev" || fail "attached under an exclusive opener"
dev=$(attach "$tmp/image")
refused() { expect_error EBUSY loopctl "$dev" set_block_size 4096; }
with_holder "$dev" refused
expect "block size" 512 "$(limit "$dev" logical_block_size)"
expect "set_block_size" 0 "$(loopctl "$dev" set_block_size 4096)"
detach "$dev"

# Of a partition, too, whichever node the ioctl comes by.
printf 'label: dos\nstart=512,size=512\nstart=1024,size=512\n' | sfdisk -q "$tmp/image"
dev=$(attach "$tmp/image" --partscan)
eventually test -b "${dev}p2"
refused() {
	local by
	for by in "$dev" "${dev}p1" "${dev}p2" "${dev}p2:excl"; do
		expect_error EBUSY loopctl "$by" set_block_size 4096
	done
}
with_holder "${dev}p1" refused
expect "block size" 512 "$(limit "$dev" logical_block_size)"
expect "set_block_size by a partition" 0 "$(loopctl "${dev}p2" set_block_size 4096)"
