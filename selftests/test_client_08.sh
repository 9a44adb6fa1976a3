#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: systemd-dissect shows, mounts and copies from a disk image with partitions.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "systemd takes the devices called loop"
require_tool systemd-dissect sfdisk
# A root partition of this architecture, with what makes it an operating system.
mkdir -p "$tmp/tree/etc" "$tmp/tree/usr/lib" "$tmp/tree/dev" "$tmp/tree/proc" "$tmp/tree/sys"
printf 'ID=test\nVERSION_ID=1\nPRETTY_NAME="A test"\n' >"$tmp/tree/etc/os-release"
pattern 100000 >"$tmp/tree/data"
truncate -s 40M "$tmp/image.raw"
printf 'label: gpt\nstart=2048,size=65536,type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709,name=root\n' |
	sfdisk -q "$tmp/image.raw"
mkfs.ext4 -q -F -d "$tmp/tree" -E offset=1048576 "$tmp/image.raw" 32M
systemd-dissect --json=short "$tmp/image.raw" >"$tmp/output" 2>"$tmp/error" ||
	fail "$(cat "$tmp/output" "$tmp/error")"
grep -q '"designator":"root"' "$tmp/output" || fail "$(cat "$tmp/output")"
systemd-dissect --copy-from "$tmp/image.raw" /data "$tmp/data" 2>"$tmp/error" ||
	fail "$(cat "$tmp/error")"
cmp "$tmp/tree/data" "$tmp/data"
mkdir "$tmp/mnt"
systemd-dissect --mount "$tmp/image.raw" "$tmp/mnt" 2>"$tmp/error" || fail "$(cat "$tmp/error")"
on_exit umount "$tmp/mnt"
[[ -n $(attached_devices) ]] || fail "no device is attached"
cmp "$tmp/tree/data" "$tmp/mnt/data"
systemd-dissect --umount "$tmp/mnt" 2>"$tmp/error" || fail "$(cat "$tmp/error")"
gone() { [[ -z $(attached_devices) ]]; }
eventually gone
settle
