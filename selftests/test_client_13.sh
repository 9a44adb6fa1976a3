#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: systemd-dissect attaches an image with its partitions, read-only where asked, finds
# it again by the file, and detaches it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "systemd takes the devices called loop"
require_tool systemd-dissect sfdisk
systemd-dissect --help | grep -e --attach >/dev/null || skip "it cannot attach"
truncate -s 16M "$tmp/image.raw"
printf 'label: gpt\nstart=2048,size=8192,type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709,name=root\n' |
	sfdisk -q "$tmp/image.raw"
mkfs.ext4 -q -F -E offset=1048576 "$tmp/image.raw" 4M
dissect() {
	systemd-dissect "$@" >"$tmp/output" 2>&1 || fail "systemd-dissect $*: $(cat "$tmp/output")"
}
dissect --attach "$tmp/image.raw"
dev=$(tail -n 1 "$tmp/output")
[[ -b $dev ]] || fail "$(cat "$tmp/output")"
detach_at_exit "$dev"
settle
expect "backing_file" "$tmp/image.raw" "$(attribute "$dev" backing_file)"
expect "partscan" 1 "$(attribute "$dev" partscan)"
expect "size of the partition" $((8192 * 512)) "$(size_of "${dev}p1")"
expect "ro" 0 "$(blockdev --getro "$dev")"
dissect --detach "$tmp/image.raw"
eventually is_detached "$dev"
settle

dissect --read-only --attach "$tmp/image.raw"
dev=$(tail -n 1 "$tmp/output")
detach_at_exit "$dev"
settle
expect "ro" 1 "$(blockdev --getro "$dev")"
dissect --detach "$dev"
eventually is_detached "$dev"
