#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10, P12: partition scans at attach race with detaching, scans by ioctl, and with
# partitions added and deleted by hand; a detached device has none, and a node of
# a partition that is open keeps nothing else.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

dir=$(make_backing tmpfs 32)
for i in 1 2; do
	chaos make "$dir/$i" 8192 "$i"
	sfdisk -q --no-reread --no-tell-kernel "$dir/$i" <<<$'label: dos\nstart=64,size=512\nstart=640,size=512\n'
done
on_exit restore_devices
on_exit detach_all
chaos run --seed "$SEED" --prefix "$LOOP" --devices 3 --processes 5 --calls "$(scaled 400)" \
	--ops configure,set_status,clr_fd,rescan,part_add,part_del,read,ctl_add,set_block_size \
	--limit 400 "$dir"/[12] >&2 || fail "chaos"
detach_all
settle
partitions=$(find /sys/block/"$LOOP"[0-9]*/ -maxdepth 1 -name "$LOOP*p*" 2>/dev/null || true)
expect "partitions of detached devices" '' "$partitions"

# losetup and its children in a row: each scan sees both partitions, or the
# device is gone. udev would have them read again, and for a moment there are none.
without_udev
for ((i = 0; i < $(scaled 12); i++)); do
	dev=$(attach "$dir/1" -P)
	[[ -b ${dev}p1 && -b ${dev}p2 ]] || fail "no partitions after attaching for the ${i}th time"
	exec 3<"${dev}p2"
	losetup -d "$dev"
	partx -a "$dev" 2>/dev/null &
	partx -d "$dev" 2>/dev/null || true
	blockdev --rereadpt "$dev" 2>/dev/null || true
	wait "$!" || true
	is_attached "$dev" || fail "detached although a partition is open"
	exec 3<&-
	eventually is_detached "$dev"
	settle
	[[ ! -e /sys/block/$(name_of "$dev")/$(name_of "$dev")p1 ]] || fail "a partition is left"
done
clean_unload
umount "$dir"
