#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: fifty processes that call `losetup -f --show' once, at the same time, all get a
# device, each one of its own.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "losetup -f finds the devices called loop"
count=50
dir=$(make_backing tmpfs 32)
# put_back: no device with a number that there was none with before.
there=$(find /sys/block -maxdepth 1 -name "${LOOP}[0-9]*" -printf '%f ')
put_back() {
	local dev number
	for dev in $(attached_devices); do losetup -d "$dev"; done
	settle
	for dev in /sys/block/"$LOOP"[0-9]*; do
		number=${dev#/sys/block/"$LOOP"}
		[[ " $there " == *" $LOOP$number "* ]] ||
			loopctl "$(control)" ctl_remove "$number"
	done
}
on_exit put_back
for ((i = 0; i < count; i++)); do
	yes "file $i" | head -c 8192 >"$dir/$i" || true
done
pids=()
for ((i = 0; i < count; i++)); do
	(
		until [[ -e $tmp/go ]]; do sleep 0.05; done
		exec losetup -f --show "$dir/$i" >"$tmp/$i.node" 2>"$tmp/$i.error"
	) &
	pids+=("$!")
done
touch "$tmp/go"
refused=0
for ((i = 0; i < count; i++)); do
	wait "${pids[i]}" || {
		log "losetup $i: $(cat "$tmp/$i.error")"
		refused=$((refused + 1))
	}
done
expect "processes without a device" 0 "$refused"
expect "different devices" "$count" "$(cat "$tmp"/*.node | sort -u | wc -l)"
for ((i = 0; i < count; i++)); do
	dev=$(<"$tmp/$i.node")
	expect "file of $dev" "$dir/$i" "$(attribute "$dev" backing_file)"
	cmp "$dev" "$dir/$i"
done
