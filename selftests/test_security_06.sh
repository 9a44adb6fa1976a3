#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: whoever has a device open exclusively keeps it as it is: others can neither
# attach a file nor change the block size.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 1M "$tmp/image"
dev=$(free_device)
mkfifo "$tmp/fifo"
# with_holder COMMAND…: while another process has the device open exclusively.
with_holder() {
	: >"$tmp/held"
	python3 -c 'import os, sys
os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)
print("held", flush=True)
sys.stdin.read()' "$dev" <"$tmp/fifo" >"$tmp/held" &
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
with_holder refused
is_detached "$dev" || fail "attached under an exclusive opener"
dev=$(attach "$tmp/image")
refused() { expect_error EBUSY loopctl "$dev" set_block_size 4096; }
with_holder refused
expect "block size" 512 "$(limit "$dev" logical_block_size)"
expect "set_block_size" 0 "$(loopctl "$dev" set_block_size 4096)"
