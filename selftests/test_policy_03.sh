#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: with the policy `rewrite' flushes fail after a loss until all that may be lost is
# written again, and one succeeds then.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

body() {
	local node target dev
	lossy_device rewrite "$1"
	# What was written before is not known: a flush makes it stable.
	expect "fsync" 0 "$(fdio "$dev" fsync | results)"
	lose_writes "$dev" "$target" "$node" 8192 65536
	expect "suspect" "16 8,128 8" "$(suspect "$dev")"
	expect "health" "state failed error 5 suspect 2" "$(health "$dev")"
	expect "two fsyncs" "EIO EIO" "$(fdio "$dev" fsync fsync | results)"
	expect "a rewrite of one, and fsync" "4096 EIO" \
		"$(fdio "$dev:rw,direct" pwrite:8192:4096:1 fsync | results)"
	expect "suspect" "128 8" "$(suspect "$dev")"
	expect "a write elsewhere, and fsync" "4096 EIO" \
		"$(fdio "$dev:rw,direct" pwrite:131072:4096:2 fsync | results)"
	expect "a rewrite of half of the other, and fsync" "2048 EIO" \
		"$(fdio "$dev:rw,direct" pwrite:65536:2048:3 fsync | results)"
	expect "suspect" "132 4" "$(suspect "$dev")"
	expect "a rewrite of the rest, and two fsyncs" "2048 0 0" \
		"$(fdio "$dev:rw,direct" pwrite:67584:2048:3 fsync fsync | results)"
	expect "suspect" "" "$(suspect "$dev")"
	expect "health" "state ok error 0 suspect 0" "$(health "$dev")"
	expect "on the disk" "4096 1 4096 3 4096 2" \
		"$(fdio "$node:ro,direct" pread:8192:4096 pread:65536:4096 pread:131072:4096 | results)"
	detach "$dev"
}
each_mode body
