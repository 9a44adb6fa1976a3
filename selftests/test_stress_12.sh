#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: fifty processes ask for a free device at the same time (losetup -f --show,
# which tries again when another one was faster): each gets one of its own.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

count=$(scaled 50)
dir=$(make_backing tmpfs 32)
for ((i = 0; i < count; i++)); do
	# A size of its own, too.
	yes "file $i" | head -c $((4096 * (1 + i % 7))) >"$dir/$i" || true
done
on_exit restore_devices
on_exit detach_all
pids=()
for ((i = 0; i < count; i++)); do
	# Whoever is overtaken more often than losetup tries comes again, as
	# administrators do.
	(
		for ((try = 0; try < 20; try++)); do
			! losetup -f --show "$dir/$i" >"$tmp/$i.node" 2>>"$tmp/$i.error" || exit 0
			sleep 0.1
		done
		exit 1
	) &
	pids+=("$!")
done
for ((i = 0; i < count; i++)); do
	wait "${pids[i]}" || fail "losetup $i: $(cat "$tmp/$i.error")"
done
log "$(cat "$tmp"/*.error | wc -l) attempts were repeated"
expect "different devices" "$count" "$(cat "$tmp"/*.node | sort -u | wc -l)"
expect "attached devices" "$count" "$(attached_devices | wc -l)"
for ((i = 0; i < count; i++)); do
	dev=$(<"$tmp/$i.node")
	expect "file of $dev" "$dir/$i" "$(attribute "$dev" backing_file)"
	cmp "$dev" "$dir/$i"
done
detach_all
clean_unload
umount "$dir"
