#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: swapping to a file on a file system on the device, and swapping to the file
# system that the backing file is on, while the device is written: neither
# deadlock nor wrong data.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

[[ -e /proc/swaps ]] || skip "the kernel has no swap"
swap_size=24
make_swap() {
	dd if=/dev/zero of="$1" bs=1M count=$swap_size status=none
	chmod 600 "$1"
	mkswap -q "$1" >/dev/null
	on_exit swapoff "$1"
	swapon "$1"
}
# small_cgroup NAME: above `high' whoever uses memory is made to swap, and to wait for it; with
# `max' alone who is in it is killed on a machine too slow for that, by no fault of ours. `max'
# is still less than they use, so that nobody comes by without swapping.
small_cgroup() { new_cgroup "$1" memory.high=8M memory.max=16M; }
# Uses twice the memory it may have, and checks what comes back.
swapper() {
	in_cgroup "$1" python3 -c '
import sys
pages = 12 << 20 >> 12
def page(i, salt):
    return (i * 2654435761 + salt).to_bytes(8, "little") * 512
data = bytearray(pages << 12)
for salt in range(int(sys.argv[1])):
    for i in range(pages):
        data[i << 12:(i + 1) << 12] = page(i, salt)
    for i in range(pages):
        if data[i << 12:(i + 1) << 12] != page(i, salt):
            sys.exit("page %d differs" % i)
' "$2"
}
swapped() { awk '$1 == "pswpout" { print $2 }' /proc/vmstat; }

above() {
	local mode=$1 dir dev group before
	dir=$(make_backing ext4 64)
	truncate -s 48M "$dir/image"
	dev=$(attach_mode "$mode" "$dir/image")
	make_fs ext4 "$dev"
	mount_at "$tmp/above-$mode" "$dev"
	make_swap "$tmp/above-$mode/swap"
	group=$(small_cgroup "above-$mode")
	before=$(swapped)
	swapper "$group" "$(scaled 1)"
	log "$mode: $(($(swapped) - before)) pages swapped out to the device"
	[[ $(swapped) -gt $before ]] || fail "nothing was swapped out"
	swapoff "$tmp/above-$mode/swap"
	umount "$tmp/above-$mode"
	detach "$dev"
	umount "$dir"
}
below() {
	local mode=$1 dir dev group before pid
	dir=$(make_backing ext4 80)
	truncate -s 24M "$dir/image"
	make_swap "$dir/swap"
	dev=$(attach_mode "$mode" "$dir/image")
	group=$(small_cgroup "below-$mode")
	before=$(swapped)
	swapper "$group" "$(scaled 1)" &
	pid=$!
	stop_at_exit "$pid"
	in_cgroup "$group" scan "$dev" write --count 4096 --seed 8 --fsync >"$tmp/errors"
	expect "errors" '' "$(<"$tmp/errors")"
	wait "$pid" || fail "what was swapped out came back differently"
	log "$mode: $(($(swapped) - before)) pages swapped out beside the backing file"
	[[ $(swapped) -gt $before ]] || fail "nothing was swapped out"
	blockdev --flushbufs "$dev"
	expect_silence scan "$dev:direct" read --count 4096 --seed 8
	detach "$dev"
	swapoff "$dir/swap"
	umount "$dir"
}
each_mode above
each_mode below
clean_unload
