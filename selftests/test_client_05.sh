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
mdadm_do() { mdadm "$@" >"$tmp/output" 2>&1 || fail "mdadm $1: $(cat "$tmp/output")"; }
mdadm_do --create "$node" --run --metadata=1.2 --level=1 --raid-devices=2 "$a" "$b"
settle
pattern 4194304 >"$tmp/data"
dd if="$tmp/data" of="$node" bs=64k conv=fsync status=none
mdadm --wait "$node" || true
mdadm_do --manage "$node" --fail "$a" --remove "$a"
detach "$a"
mdadm_do --manage "$node" --add "$c"
mdadm --wait "$node" || true
mdadm_do --manage "$node" --fail "$b" --remove "$b"
drop_caches
cmp -n 4194304 "$node" "$tmp/data"
mdadm_do --stop "$node"
settle
