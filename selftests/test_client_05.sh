#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: an md array of two devices keeps its data when one of them fails and another
# takes its place.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool mdadm
require_module raid1
truncate -s 16M "$tmp/a" "$tmp/b" "$tmp/c"
a=$(attach "$tmp/a")
b=$(attach "$tmp/b")
c=$(attach "$tmp/c")
node=/dev/md117
[[ ! -e $node ]] || skip "$node is in use"
on_exit mdadm --stop "$node"
# lose DEVICE: mdadm removes one that has failed if its last write ends in 50 ms.
lose() {
	mdadm_do --manage "$node" --fail "$1"
	eventually mdadm --quiet --manage "$node" --remove "$1"
}
# whole: nothing is missing on any of its devices.
whole() { [[ $(<"/sys/block/$(name_of "$node")/md/degraded") == 0 ]]; }
mdadm_do() { mdadm "$@" >"$tmp/output" 2>&1 || fail "mdadm $1: $(cat "$tmp/output")"; }
mdadm_do --create "$node" --run --metadata=1.2 --level=1 --raid-devices=2 "$a" "$b"
settle
pattern 4194304 >"$tmp/data"
dd if="$tmp/data" of="$node" bs=64k conv=fsync status=none
mdadm --wait "$node" || true
lose "$a"
detach "$a"
mdadm_do --manage "$node" --add "$c"
# `mdadm --wait' does not, if the recovery has not begun yet.
eventually whole
mdadm --wait "$node" || true
lose "$b"
drop_caches
cmp -n 4194304 "$node" "$tmp/data"
mdadm_do --stop "$node"
settle
