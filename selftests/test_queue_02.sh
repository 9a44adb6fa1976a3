#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P8, P12: a thousand devices work, and do not need a thousand threads.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

count=1000
[[ $(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo) -ge $((count + 400)) ]] ||
	skip "too little memory"
without_udev
ulimit -n $((count + 100))
dir=$(make_backing tmpfs 32)
truncate -s $((count * 8))K "$dir/image"
# Thousand devices more are not wanted.
on_exit restore_module
on_exit detach_all
# tasks: all there are, but for those of the one that does the I/O.
tasks() {
	local all own=0
	all=$(cut -d/ -f2 /proc/loadavg | cut -d' ' -f1)
	[[ $# -eq 0 ]] || own=$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)
	echo $((all - own))
}
before=$(tasks)
mkfifo "$tmp/go"
many "$LOOP" "$dir/image" "$count" 8192 1 1 mixed <"$tmp/go" >"$tmp/said" &
pid=$!
stop_at_exit "$pid"
exec 3>"$tmp/go"
until grep -q attached "$tmp/said"; do
	kill -0 "$pid" || fail "many: attaching"
	sleep 0.2
done
expect "attached devices" "$count" "$(attached_devices | wc -l)"
attached=$(tasks "$pid")
log "attached after $SECONDS s"
echo go >&3
most=0
while ! grep -q 'done' "$tmp/said"; do
	kill -0 "$pid" || fail "many"
	# It has a thread for each device then: what is ours are kernel threads.
	now=$(pgrep -c -P 2)
	most=$((now > most ? now : most))
	sleep 0.05
done
after=$(tasks "$pid")
log "done after $SECONDS s"
note "tasks: $before; with $count devices attached $attached; after I/O on all $after;" \
	"kernel threads meanwhile at most $most"
echo go >&3
wait "$pid" || fail "many"
exec 3>&-
log "detached after $SECONDS s"
for number in "$attached" "$after"; do
	[[ $((number - before)) -lt 200 ]] || fail "$((number - before)) tasks more"
done
# There were at least as many tasks as kernel threads before.
[[ $((most - before)) -lt 200 ]] || fail "$most kernel threads with I/O"
expect "attached devices" '' "$(attached_devices)"
clean_unload
umount "$dir"
