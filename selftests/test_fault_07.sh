#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: many requests at the same time, some to bad sectors below the backing file:
# exactly those fail, with EIO, and all others are right.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_module dm_mod
size=16
node=$(ram_disk $size)
total=$(sectors_of "$node")
# Runs of bad sectors: a block, its half, two blocks and a part, a single sector,
# the last one.
bad=(800:8 1604:4 4096:20 20005:1 32760:8)
table=() at=0
for run in "${bad[@]}"; do
	table+=("$at $((${run%:*} - at)) linear $node $at" "${run%:*} ${run#*:} error")
	at=$((${run%:*} + ${run#*:}))
done
[[ $at -ge $total ]] || table+=("$at $((total - at)) linear $node $at")
# bad_blocks SECTORS: the numbers of the blocks of that size that have a bad sector.
bad_blocks() {
	local run
	for run in "${bad[@]}"; do
		seq $((${run%:*} / $1)) $(((${run%:*} + ${run#*:} - 1) / $1))
	done | sort -nu
}
expect_silence scan "$node:direct" write --count $((size * 256)) --seed 21
broken=$(dm bad "$(printf '%s\n' "${table[@]}")")
errors_of() { sed -n 's/^\([0-9]*\) EIO$/\1/p' | sort -nu; }
body() {
	local mode=$1 dev block status
	# The smallest blocks: each sector by itself.
	dev=$(attach_mode "$mode" "$broken")
	for block in 4096 512 65536; do
		scan "$dev:direct" read --block $block --count $((size * 1048576 / block)) --seed 21 \
			--threads 8 >"$tmp/errors" || fail "wrong data"
		if [[ $mode == direct ]]; then
			diff <(bad_blocks $((block / 512))) <(errors_of <"$tmp/errors") >&2 ||
				fail "reads of $block bytes: other requests failed"
		else
			# Through the page cache a page is what can fail.
			diff <(bad_blocks 8 | awk -v n=$((block / 512)) '
				n < 8 { for (i = 0; i < 8; i += n) print ($1 * 8 + i) / n; next }
				{ print int($1 * 8 / n) }' | sort -nu) <(errors_of <"$tmp/errors") >&2 ||
				fail "reads of $block bytes through the page cache: other requests failed"
		fi
		[[ $(wc -l <"$tmp/errors") -eq $(errors_of <"$tmp/errors" | wc -l) ]] ||
			fail "other errors: $(grep -v EIO "$tmp/errors")"
	done
	if [[ $mode == direct ]]; then
		scan "$dev:direct" write --count $((size * 256)) --seed 22 --threads 8 >"$tmp/errors"
		diff <(bad_blocks 8) <(errors_of <"$tmp/errors") >&2 || fail "writes: other requests failed"
		# Below, only bad blocks have something else, as the writes to them failed.
		status=0
		scan "$node:direct" read --count $((size * 256)) --seed 22 >"$tmp/errors" || status=$?
		expect "status of the comparison" 1 "$status"
		diff <(bad_blocks 8) <(sed -n 's/^\([0-9]*\) differs$/\1/p' "$tmp/errors" | sort -nu) >&2 ||
			fail "a write that succeeded did not arrive, or one that failed did"
		expect "other errors" '' "$(grep -v ' differs$' "$tmp/errors" || true)"
		expect_silence scan "$node:direct" write --count $((size * 256)) --seed 21
	else
		# Which write was lost a flush cannot say, but it says that one was.
		scan "$dev:direct" write --count $((size * 256)) --seed 21 --threads 8 --fsync >"$tmp/errors"
		grep -q '^fsync EIO$' "$tmp/errors" || fail "the flush did not tell of lost writes"
	fi
	detach "$dev"
}
each_mode body
clean_unload
