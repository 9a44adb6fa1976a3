#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8, P12: two hundred devices at once, all of them with I/O: all data arrives, and
# devices without requests have no threads.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

count=$(scaled 200)
without_udev
dir=$(make_backing tmpfs $((count / 8 + 16)))
truncate -s $((count * 64))K "$dir/image"
# Kernel threads are the children of kthreadd.
threads() { pgrep -c -P 2; }
on_exit restore_devices
on_exit detach_all
before=$(threads)
mkfifo "$tmp/go"
many "$LOOP" "$dir/image" "$count" 65536 2 2 mixed <"$tmp/go" >"$tmp/said" &
pid=$!
stop_at_exit "$pid"
exec 3>"$tmp/go"
eventually grep -q attached "$tmp/said"
expect "attached devices" "$count" "$(attached_devices | wc -l)"
attached=$(threads)
echo go >&3
most=0
while ! grep -q 'done' "$tmp/said"; do
	kill -0 "$pid" || fail "many"
	now=$(threads)
	most=$((now > most ? now : most))
done
log "kernel threads: $before, with $count devices $attached, with I/O on all $most"
echo go >&3
wait "$pid" || fail "many"
exec 3>&-
# The pools of workers breathe a little by themselves.
[[ $((attached - before)) -le 20 ]] || fail "devices have threads of their own"
expect "attached devices" '' "$(attached_devices)"
clean_unload
umount "$dir"
