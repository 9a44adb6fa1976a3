#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: requests to the disk below fail at random (fail_make_request): as many
# requests of the device fail, with EIO; all others are right.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_fault_injection fail_make_request
attributes=/sys/kernel/debug/fail_make_request
node=$(ram_disk 16)
switch=/sys/block/$(name_of "$node")/make-it-fail
on_exit bash -c "echo 0 >$attributes/probability; echo 0 >$switch"
dev=$(attach_mode direct "$node")
for file in interval=1 times=-1 probability=10; do
	echo "${file#*=}" >"$attributes/${file%%=*}"
done
echo 1 >"$switch"
scan "$dev:direct" write --count 4096 --seed "$SEED" --threads 8 --passes "$(scaled 1)" \
	--state "$tmp/state" >"$tmp/errors"
failed=$(wc -l <"$tmp/errors")
scan "$dev:direct" read --count 4096 --threads 8 --state "$tmp/state" >>"$tmp/errors" ||
	fail "wrong data"
echo 0 >"$switch"
log "$failed writes and $(($(wc -l <"$tmp/errors") - failed)) reads failed"
expect "other errors" '' "$(grep -v ' EIO$' "$tmp/errors" || true)"
# A tenth of 4096, give or take ten standard deviations.
[[ $failed -gt 200 && $failed -lt $(scaled 610) ]] || fail "not a tenth of the writes"
expect_silence scan "$dev:direct" read --count 4096 --state "$tmp/state"
detach "$dev"
clean_unload
