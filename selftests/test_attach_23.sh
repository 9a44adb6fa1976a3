#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: with name=loopr the driver serves /dev/loopr-control and /dev/loopr0 beside
# the C driver, and each knows only its own devices.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
load_side_by_side
pattern 65536 1 >"$tmp/c"
pattern 65536 2 >"$tmp/r"
c=$(LOOP=loop attach "$tmp/c")
r=$(LOOP=loopr attach "$tmp/r")
[[ $c =~ ^/dev/loop[0-9]+$ && $r =~ ^/dev/loopr[0-9]+$ ]] || fail "nodes $c and $r"
expect "major of the C driver" 7 "$((0x$(stat -c %t "$c")))"
[[ $((0x$(stat -c %t "$r"))) -ne 7 ]] || fail "both have major 7"
cmp "$tmp/c" "$c"
cmp "$tmp/r" "$r"
expect "listing" "$tmp/r" "$(losetup -n -O BACK-FILE "$r")"
expect "bound device" EBUSY "$(loopctl /dev/loopr-control ctl_remove "${r#/dev/loopr}" || true)"
expect "refcount of the C driver" 1 "$(</sys/module/loop/refcnt)"
detach "$c"
cmp "$tmp/r" "$r"
detach "$r"

# The default name is taken by the C driver: refused with a message.
settle
eventually rmmod "$module"
expect_failure insmod "$RLOOP"
grep -qi "busy" "$tmp/output" || fail "$(cat "$tmp/output")"
expect_log "name=loopr"
[[ -e /dev/loop-control ]] || fail "the C driver's control node is gone"
insmod "$RLOOP" name=loopr
