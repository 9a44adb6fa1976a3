#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: a write that the backing file system (a full tmpfs) takes in part only is
# never acknowledged, and fails with ENOSPC. (The C driver acknowledges it.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 16777216 >"$tmp/data"
body() {
	local dev dir acknowledged good
	dir=$(mktemp -d "$tmp/full.XXXX")
	mount_at "$dir" -t tmpfs -o size=8492k tmpfs
	truncate -s 16M "$dir/image"
	dev=$(attach "$dir/image")
	expect_failure dd if="$tmp/data" of="$dev" bs=256k oflag=direct conv=notrunc
	acknowledged=$(sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$tmp/output")
	good=$({ cmp "$tmp/data" "$dir/image" || true; } | sed -n 's/.*differ: [a-z]* \([0-9]*\),.*/\1/p')
	good=$((good - 1))
	note "$(driver): $acknowledged bytes acknowledged, $good bytes in the file; $(head -n 1 "$tmp/output")"
	[[ $acknowledged -gt 8000000 ]] || fail "too little was written"
	[[ $acknowledged -le $good ]] || fail "$((acknowledged - good)) acknowledged bytes are lost"
	grep -q "No space left on device" "$tmp/output" || fail "the error is not ENOSPC"
	detach "$dev"
	umount "$dir"
}
with_c_loop body
