#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P3: the disk below fails for a second now and then (dm-flakey): requests fail
# with EIO meanwhile, succeed again afterwards, and each write that succeeded
# can be read.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_module dm_mod
require_module dm_flakey
node=$(ram_disk 16)
count=1024
flaky() {
	local features=$1
	# One second up, one second down.
	echo "0 $(sectors_of "$node") flakey $node 0 1 1 $features"
}
direct() {
	local dev failed succeeded
	dev=$(attach_mode direct "$disk")
	# Each pass takes longer than the disk is down.
	scan "$dev:direct" write --count $count --seed "$SEED" --passes "$(scaled 3)" --threads 2 \
		--pause 2500 --state "$tmp/state" >"$tmp/errors"
	failed=$(wc -l <"$tmp/errors")
	log "writes: $failed failed"
	[[ $failed -gt 0 ]] || fail "no write failed"
	expect "other errors" '' "$(grep -v ' EIO$' "$tmp/errors" || true)"
	succeeded=$(python3 -c '
import struct, sys
d = open(sys.argv[1], "rb").read()
print(sum(1 for (s,) in struct.iter_unpack("<Q", d) if s != 2**64 - 1))' "$tmp/state")
	[[ $succeeded -gt 0 ]] || fail "no write succeeded"
	# While writes fail, reads do not.
	scan "$dev:direct" read --count $count --state "$tmp/state" >"$tmp/errors" ||
		fail "writes that had succeeded are lost"
	expect "failed reads" '' "$(<"$tmp/errors")"
	detach "$dev"
	rm "$tmp/state"
}
disk=$(dm flaky "$(flaky "1 error_writes")")
direct

# Through the page cache: a flush fails when something was lost, and when none
# fails nothing was.
buffered() {
	local dev round seed failures=0 successes=0
	dev=$(attach_mode buffered "$disk")
	for ((round = 0; round < 60 && (failures < 2 || successes < 2); round++)); do
		seed=$((1000 + round))
		scan "$dev" write --count 256 --seed $seed --fsync >"$tmp/errors"
		if grep -q '^fsync ' "$tmp/errors"; then
			expect "errno of the flush" "fsync EIO" "$(grep '^fsync' "$tmp/errors")"
			failures=$((failures + 1))
		elif [[ -s $tmp/errors ]]; then
			fail "writes: $(head "$tmp/errors")"
		else
			successes=$((successes + 1))
			# A flush that succeeds has put all of it on the disk.
			expect_silence scan "$node:direct" read --count 256 --seed $seed
		fi
		sleep 0.12
	done
	log "$successes flushes succeeded, $failures failed"
	[[ $failures -ge 1 && $successes -ge 1 ]] || fail "not both"
	detach "$dev"
}
buffered
clean_unload
