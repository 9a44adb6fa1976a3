#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: a write with FUA is stable when it is done, of itself: no dirty page is left, and
# the backing file is not synced for it.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

require_cachestat
! under_test_is_c || skip "the C driver does not count syncs"
dir=$(make_backing ext4 32)
truncate -s 16M "$dir/image"
dev=$(attach_mode buffered "$dir/image")
syncs() { awk '$1 == "syncs" { print $2 }' "$(rloop_file "$dev" stats)"; }
# A write to the device itself with O_DSYNC is followed by a flush. A file system
# leaves that out for a file whose metadata do not change. This has no journal
# that would be written meanwhile.
mkfs.ext4 -q -F -b 4096 -O ^has_journal -E lazy_itable_init=0 "$dev"
mount_at "$tmp/mnt" "$dev"
# write FLAGS: sixteen blocks of it, one after the other
operations=()
for ((i = 0; i < 16; i++)); do
	operations+=("pwrite:$((i * 65536)):4096:$((i + 1))")
done
write() {
	expect "writes with $1" "$(printf '4096 %.0s' {1..16})" \
		"$(fdio "$tmp/mnt/file:rw,$1" "${operations[@]}" | results) "
}
pattern 1048576 >"$tmp/mnt/file"
write direct
# All that there is to be written for the file itself.
sync
sync -f "$dir"
expect "dirty pages after a sync" 0 "$(dirty_pages "$dir/image")"
before=$(syncs)
write direct
plain=$(dirty_pages "$dir/image")
[[ $plain -ge 16 ]] || fail "plain writes leave $plain dirty pages"
sync
sync -f "$dir"
middle=$(syncs)
write direct,dsync
dirty=$(dirty_pages "$dir/image")
after=$(syncs)
note "dirty pages after 16 plain writes $plain, after 16 with O_DSYNC $dirty;" \
	"syncs $before, $middle, $after"
[[ $middle -gt $before ]] || fail "no sync is counted"
expect "dirty pages after writes with O_DSYNC" 0 "$dirty"
expect "syncs for them" 0 $((after - middle))
umount "$tmp/mnt"
