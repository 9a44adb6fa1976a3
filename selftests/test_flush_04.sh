#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: a write that is lost in the page cache of the backing file fails the next
# flush with EIO, and only that one.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
good=$(linear "$node")
bad=$(error_table "$node")
target=$(dm target "$good")
dev=$(attach_mode buffered "$target")
for round in 1 2 3; do
	# All on one descriptor: $tmp/written and $tmp/go keep step with it.
	rm -f "$tmp/written" "$tmp/go" "$tmp/failed" "$tmp/on"
	fdio "$dev" pwrite:8192:4096:"$round" "touch:$tmp/written" "wait:$tmp/go" \
		fsync fsync "touch:$tmp/failed" "wait:$tmp/on" \
		pwrite:8192:4096:"$((round + 100))" fsync >"$tmp/result" &
	eventually test -e "$tmp/written"
	dm_switch "$target" "$bad"
	touch "$tmp/go"
	eventually test -e "$tmp/failed"
	dm_switch "$target" "$good"
	touch "$tmp/on"
	wait "$!"
	expect "write, fsync, fsync and the same with the disk well again" \
		"4096 EIO 0 4096 0" "$(grep -v -e touch: -e wait: "$tmp/result" | results)"
	expect "on the disk" "4096 $((round + 100))" \
		"$(fdio "$node:ro,direct" pread:8192:4096 | results)"
done
