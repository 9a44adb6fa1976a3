#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11, P12: whatever a hostile caller passes to the ioctls of loop devices and of
# their control node, as root and without privileges, from one and from many
# threads: no crash, nothing of the kernel's memory, nothing stuck, nothing left.
# CALLS is how many, default 20000.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

calls=${CALLS:-$(scaled 20000)}
limit=$((60 + calls / 100))
dirs=()
for fs in tmpfs ext4; do
	dir=$(make_backing "$fs" 64)
	chmod 777 "$dir"
	dirs+=("$dir")
done
chmod 755 "$tmp"
without_udev
on_exit restore_devices
on_exit detach_all
# One worker: the same seed does the same again.
fuzz --seed "$SEED" --prefix "$LOOP" --calls $((calls / 4)) --limit $limit --devices 3 "${dirs[@]}" >&2 ||
	fail "fuzz --seed $SEED, one worker"
detach_all
fuzz --seed "$SEED" --prefix "$LOOP" --calls $((calls / 2)) --limit $limit --uid 65534 \
	--processes 4 "${dirs[@]}" >&2 || fail "fuzz --seed $SEED, processes"
detach_all
fuzz --seed "$SEED" --prefix "$LOOP" --calls $((calls / 4)) --limit $limit --uid 65534 --pseudo \
	--processes 2 --threads 3 "${dirs[@]}" >&2 || fail "fuzz --seed $SEED, threads"
detach_all
clean_unload
umount "${dirs[@]}"
