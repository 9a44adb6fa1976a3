#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: an error of the backing device reaches reader and writer as EIO, for exactly
# the bad blocks.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module dm_mod
node=$(ram_disk 16)
total=$(sectors_of "$node")
pattern 16777216 >"$tmp/data"
dd if="$tmp/data" of="$node" bs=1M conv=fsync,notrunc status=none
# Blocks 100 to 102 of 4096 bytes are bad.
bad=$(dm bad "0 800 linear $node 0
800 24 error
824 $((total - 824)) linear $node 824")
# What is read ahead in one folio with a bad block fails like that, by the kernel.
blockdev --setra 0 "$bad"
body() {
	local dev block got
	dev=$(attach_mode "$1" "$bad")
	for block in 98 99 103 104; do
		cmp "$tmp/data" <(dd if="$dev" bs=4k skip=$block count=1 iflag=direct status=none) \
			-i $((block * 4096)):0 -n 4096
		dd if="$tmp/data" of="$dev" bs=4k skip=$block seek=$block count=1 \
			oflag=direct conv=notrunc,fsync status=none
	done
	expect "reading across the bad blocks" EIO \
		"$(fdio "$dev:ro,direct" pread:$((90 * 4096)):131072 | results)"
	expect "reading up to them" 40960 \
		"$(fdio "$dev:ro,direct" pread:$((90 * 4096)):40960 | results | cut -d' ' -f1)"
	for block in 100 101 102; do
		expect "reading block $block" EIO \
			"$(fdio "$dev:ro,direct" pread:$((block * 4096)):4096 | results)"
		got=$(fdio "$dev:rw,direct" pwrite:$((block * 4096)):4096:1 fsync | results)
		if [[ $1 == direct ]]; then
			expect "writing block $block" EIO "${got% *}"
		else
			expect "writing block $block" "4096 EIO" "$got"
		fi
	done
	detach "$dev"
}
each_mode body
