#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: the module cannot be unloaded while a device is bound or open, and can
# afterwards.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

if under_test_is_c; then
	load() { modprobe loop; }
	unload() { rmmod loop; }
	refs=/sys/module/loop/refcnt
else
	load() { insmod "$RLOOP" "name=$LOOP"; }
	unload() { rmmod "$module"; }
	refs=/sys/module/$module/refcnt
fi
# udev may still look at what a test before this one had.
unused() { [[ $(<"$refs") == 0 ]]; }
eventually unused
truncate -s 1M "$tmp/image"
dev=$(attach "$tmp/image")
[[ $(<"$refs") -ge 1 ]] || fail "a bound device holds no reference to the module"
expect_failure unload
grep -q "in use" "$tmp/output" || fail "$(cat "$tmp/output")"
dd if="$dev" of=/dev/null bs=64k iflag=direct status=none
detach "$dev"

settle
exec 3<"$dev"
expect_failure unload
exec 3<&-
exec 3<"$(control)"
expect_failure unload
exec 3<&-
settle
eventually unload
settle
[[ ! -e $dev && ! -e $(control) ]] || fail "nodes stay behind"
load
settle
[[ -e $(control) ]] || fail "no control node after loading again"
dev=$(attach "$tmp/image")
expect "size" 1048576 "$(size_of "$dev")"
