#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: with rloop/uncached=1 what was written leaves the page cache of the backing file also where
# the disk below tells of the end of a write in an interrupt, from which the kernel drops nothing.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_cachestat
! under_test_is_c || skip "needs rloop"
size=4194304
# irqmode=2: by a timer.
dir=$(make_backing ext4 32 irqmode=2)
image=$dir/image
pattern $size >"$image"
few() { [[ $(cached_bytes "$image") -le $((size / 16)) ]]; }
written() {
	drop_caches
	few || fail "$(cached_bytes "$image") bytes are cached at the beginning"
	pattern $size 2 | dd of="$dev" bs=64k iflag=fullblock oflag=direct status=none
}

dev=$(attach_mode buffered "$image")
written
sync -f "$dir"
kept=$(cached_bytes "$image")
[[ $kept -ge $((size * 15 / 16)) ]] || fail "only $kept bytes are cached without it"
set_to "$dev" uncached 1
written
# The kernel writes it to the disk without being asked to.
eventually few
written
sync "$dev"
# What is detached is dropped at once.
detach "$dev"
note "$(cached_bytes "$image") bytes stay cached once it is detached"
few || fail "$(cached_bytes "$image") bytes are cached once it is detached"
pattern $size 2 | cmp - "$image"
