#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: with rloop/uncached=1 nothing is dropped of the backing file that the device does not show.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_cachestat
! under_test_is_c || skip "needs rloop"
half=2097152
dir=$(make_backing ext4 32 irqmode=2)
image=$dir/image
pattern $((half * 2)) >"$image"
few() { [[ $(cached_bytes "$image") -le $((half + half / 8)) ]]; }

dev=$(attach_mode buffered "$image" --sizelimit $half)
other=$(attach_mode buffered "$image" --offset $half)
drop_caches
# This one is cached as always.
cmp -n $half -i $half:0 "$image" "$other"
before=$(cached_bytes "$image")
[[ $before -ge $half ]] || fail "only $before bytes are cached of the other half"
set_to "$dev" uncached 1
pattern $half 2 | dd of="$dev" bs=64k iflag=fullblock oflag=direct status=none
eventually few
after=$(cached_bytes "$image")
note "$before bytes of the other half were cached, $after bytes are in all"
[[ $after -ge $half ]] || fail "$after bytes are cached, of $before of the other half"
