#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P4: LOOP_CHANGE_FD to a file that is open for direct I/O syncs it; an error of that
# fails the ioctl, the device keeps its file, and whoever has the other one open is
# told, too.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
old=$(ram_disk 16)
node=$(ram_disk 16)
target=$(dm target "$(linear "$node")")
dev=$(attach "$old" --read-only)
steps 0 "$target" pwrite:4096:4096:1 fsync fsync
expect "write" 4096 "$(step 0)"
dm_switch "$target" "$(error_table "$node")"
expect "change to a file that loses what was written" EIO \
	"$(loopctl "$dev" change_fd "$target:ro,direct" || true)"
dm_switch "$target" "$(linear "$node")"
expect "backing file" "$old" "$(attribute "$dev" backing_file)"
expect "fsync of the other file" EIO "$(step 0)"
expect "the next one" 0 "$(step 0)"
wait
expect "change to it when it is whole again" 0 "$(loopctl "$dev" change_fd "$target:ro,direct")"
