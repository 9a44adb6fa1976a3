#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: sfdisk, partx, blkid, lsblk and wipefs work on a device as on a disk.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool sfdisk partx blkid lsblk wipefs
truncate -s 32M "$tmp/image"
dev=$(attach "$tmp/image")
name=$(name_of "$dev")
printf 'label: gpt\nstart=2048,size=8192,name=first\nstart=10240,size=20480,name=second\n' |
	sfdisk -q --no-reread --no-tell-kernel "$dev"
settle
expect "PTTYPE" gpt "$(blkid -p -o value -s PTTYPE "$dev")"
# Partitions by hand, on a device that is not scanned for them.
[[ ! -e ${dev}p1 ]] || fail "${dev}p1 without being asked for"
partx -a "$dev"
settle
expect "size of the second" $((20480 * 512)) "$(size_of "${dev}p2")"
mkfs.ext4 -q -L label "${dev}p1"
settle
expect "LABEL" label "$(blkid -p -o value -s LABEL "${dev}p1")"
expect "lsblk" "$name loop ${name}p1 part ${name}p2 part" \
	"$(lsblk -n -l -o NAME,TYPE "$dev" | xargs)"
partx -d --nr 2 "$dev"
[[ ! -e /sys/block/$name/${name}p2 ]] || fail "${name}p2 is still there"
partx -d "$dev"
[[ ! -e /sys/block/$name/${name}p1 ]] || fail "${name}p1 is still there"
wipefs -q -a "$dev"
expect "signatures" "" "$(wipefs -n "$dev")"
# A detached device has none, also if they were made by hand.
printf 'label: dos\nstart=2048,size=8192\n' | sfdisk -q --no-reread --no-tell-kernel "$dev"
partx -a "$dev"
[[ -e /sys/block/$name/${name}p1 ]] || fail "no ${name}p1"
detach "$dev"
[[ ! -e /sys/block/$name/${name}p1 ]] || fail "${name}p1 stays behind"
