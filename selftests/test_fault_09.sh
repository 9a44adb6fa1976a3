#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: bad blocks appear while the device is in use (dm-dust), fail exactly their
# readers, and are good again when they are written.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_module dm_mod
require_module dm_dust
node=$(ram_disk 16)
expect_silence scan "$node:direct" write --count 4096 --seed 31
body() {
	local mode=$1 dust dev blocks
	dust=$(dm "dust-$mode" "0 $(sectors_of "$node") dust $node 0 4096")
	dev=$(attach_mode "$mode" "$dust")
	expect_silence scan "$dev:direct" read --count 4096 --seed 31
	blocks=$(shuf -i 0-4095 -n 40 --random-source=<(pattern 4096 "$SEED") | sort -n)
	for block in $blocks; do
		dmsetup message "${dust##*/}" 0 addbadblock "$block" >/dev/null
	done
	dmsetup message "${dust##*/}" 0 enable >/dev/null
	# What is cached below would not be read.
	drop_caches
	blockdev --flushbufs "$dust"
	scan "$dev:direct" read --count 4096 --seed 31 --threads 8 >"$tmp/errors" || fail "wrong data"
	diff <(echo "$blocks") <(sed -n 's/ EIO$//p' "$tmp/errors" | sort -n) >&2 ||
		fail "other requests failed"
	scan "$dev:direct" write --count 4096 --seed 31 --fsync >"$tmp/errors"
	expect "failed writes" '' "$(<"$tmp/errors")"
	blockdev --flushbufs "$dust"
	expect_silence scan "$dev:direct" read --count 4096 --seed 31
	detach "$dev"
}
each_mode body
clean_unload
