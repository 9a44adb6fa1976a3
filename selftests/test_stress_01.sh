#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: all ioctls of loop devices and their control node, opening and closing, I/O,
# partition scans and udev race with each other on a few devices; nothing is
# ever read that nobody wrote, and in the end all can be detached and unloaded.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

dir=$(make_backing tmpfs 64)
for i in 1 2 3; do
	chaos make "$dir/$i" $((i * 1000)) "$i"
done
# The same size as 3, so that one can take the place of the other.
chaos make "$dir/4" 3000 4
sfdisk -q --no-reread --no-tell-kernel "$dir/3" <<<$'label: dos\nstart=64,size=512\nstart=640,size=512\n'
on_exit restore_devices
on_exit detach_all
# With udev opening each device, and then faster without.
chaos run --seed "$SEED" --prefix "$LOOP" --devices 4 --processes 6 \
	--calls "$(scaled 500)" --limit 400 "$dir"/[1-4] >&2 || fail "chaos"
detach_all
clean_unload
without_udev
chaos run --seed "$SEED" --prefix "$LOOP" --devices 4 --processes 6 \
	--calls "$(scaled 2000)" --limit 400 "$dir"/[1-4] >&2 || fail "chaos without udev"
detach_all
clean_unload
start_udev
umount "$dir"
