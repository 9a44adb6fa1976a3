#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P3: `rewrite' with more ranges than it has room for: coarser, but never a lie.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

lossy_device rewrite
expect "fsync" 0 "$(fdio "$dev" fsync | results)"
# 400 blocks of 4 KiB, the last 100 of them with larger gaps in between.
offsets=() again=()
for ((i = 0; i < 400; i++)); do
	offset=$((i < 300 ? i * 8192 : i * 16384 - 300 * 8192))
	offsets+=("$offset")
	[[ $i -eq 123 ]] || again+=("pwrite:$offset:4096:2")
done
lose_writes "$dev" "$target" "$node" "${offsets[@]}"
suspect "$dev" | tr , '\n' >"$tmp/suspect"
[[ $(wc -l <"$tmp/suspect") -le 256 ]] || fail "more than 256 ranges"
for offset in "${offsets[@]}"; do echo "$((offset / 512))"; done | awk '
	NR == FNR { first[NR] = $1; end[NR] = $1 + $2; ranges = NR; next }
	{ for (i = 1; i <= ranges; i++) if (first[i] <= $1 && $1 + 8 <= end[i]) next; print }
' "$tmp/suspect" - >"$tmp/missing"
expect "blocks that are not suspect" "" "$(cat "$tmp/missing")"
fdio "$dev:rw,direct" "${again[@]}" >/dev/null
expect "fsync when all but one are written again" EIO "$(fdio "$dev" fsync | results)"
dd if=/dev/zero of="$dev" bs=64k count=66 oflag=direct conv=notrunc status=none
expect "suspect" "" "$(suspect "$dev")"
expect "fsync when all is written again" 0 "$(fdio "$dev" fsync | results)"
