#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: an fsync of the device flushes the write cache of the disk below.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

flushes() { awk '{ print $16 }' "/sys/block/$(basename "$1")/stat"; }
body() {
	local dev i before
	dev=$(attach_mode "$1" "$2")
	grep -q "write back" "/sys/block/$(name_of "$dev")/queue/write_cache" ||
		fail "$dev does not say that it has a write cache"
	for i in 1 2 3; do
		before=$(flushes "$node")
		expect "write and fsync" "4096 0" \
			"$(fdio "$dev" pwrite:$((i * 8192)):4096:"$i" fsync | results)"
		[[ $(flushes "$node") -gt $before ]] || fail "no flush of $node in round $i"
		before=$(flushes "$node")
		expect "write and fdatasync" "4096 0" \
			"$(fdio "$dev:rw,direct" pwrite:$((i * 8192)):4096:"$i" fdatasync | results)"
		[[ $(flushes "$node") -gt $before ]] || fail "no flush of $node in round $i"
	done
	detach "$dev"
}
node=$(ram_disk 32 cache_size=16)
each_mode body "$node"
make_fs ext4 "$node"
mount_at "$tmp/mnt" "$node"
truncate -s 16M "$tmp/mnt/image"
each_mode body "$tmp/mnt/image"
