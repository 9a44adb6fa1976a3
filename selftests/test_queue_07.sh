#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: with two queues of 128 requests a device costs at most 1 MiB while it is bound,
# and before it ever was not much more than a device of the C driver, beside it: its
# second queue is not there yet.
# shellcheck source=selftests/queue_common.sh
source "$(dirname "$0")/queue_common.sh"

! under_test_is_c || skip "the C driver has other sizes"
[[ $(nproc) -ge 2 ]] || skip "one processor"
count=32
without_udev
on_exit restore_module
settle
rmmod "$module"
insmod "$RLOOP" name=loopr max_loop=0 queues=2 queue_depth=128
LOOP=loopr
on_exit detach_all
modprobe -n -q loop || skip "the kernel has no C driver"
modprobe loop max_loop=0
on_exit modprobe -r loop
dir=$(make_backing tmpfs 16)
truncate -s 1M "$dir/image"
# free_memory: in KiB, with what processors have set aside, without what could be had, and when what
# was removed just now is back: when it is the same, but for 16 KiB for each device, twice in a row.
free_memory() {
	local i now=0 last
	for ((i = 0; i < 6; i++)); do
		last=$now
		drop_caches
		sleep 0.2
		[[ ! -e /proc/sys/vm/stat_refresh ]] || cat /proc/sys/vm/stat_refresh >/dev/null
		now=$(awk '/^ *pages free / { n += $3 } /^ *count: / { n += $2 } END { print 4 * n }' /proc/zoneinfo)
		[[ $((now - last)) -gt $((16 * count)) || $((last - now)) -gt $((16 * count)) ]] || break
	done
	echo "$now"
}
add() { expect "adding" "$1" "$(loopctl "$(control)" ctl_add "$1")"; }
bind() { expect "binding" 0 "$(loopctl "/dev/$LOOP$1" configure "$dir/image" flags=1)"; }
unbind() { expect "unbinding" 0 "$(loopctl "/dev/$LOOP$1" clr_fd)"; }
median() { sort -n | sed -n 2p; }
# What there is once for all devices is not counted: one more stays.
add_all() {
	local i
	for ((i = 0; i < count; i++)); do
		add "$i"
	done
}
remove_all() {
	seq 0 $((count - 1)) | xargs -P 16 -I{} loopctl "$(control)" ctl_remove {} >"$tmp/removed"
	expect "what removing says" 0 "$(sort -u "$tmp/removed")"
}
# cost_of_all: adds so many devices, removes them, and prints what they cost, in KiB: how much less
# is free while they are there than before and after that in the middle, as the system gets back
# meanwhile what a test before this one had.
cost_of_all() {
	local before during after
	before=$(free_memory)
	add_all
	during=$(free_memory)
	remove_all
	after=$(free_memory)
	echo $(((before + after) / 2 - during))
}
# What else the system does has a share in what is free: of three rounds the one in the middle
# counts.
LOOP=loop add "$count"
add "$count"
for _ in 1 2 3; do
	(LOOP=loop && cost_of_all >>"$tmp/c")
	cost_of_all >>"$tmp/unbound"
done
add_all
c_driver=$(median <"$tmp/c")
unbound=$(median <"$tmp/unbound")
bind "$count"
start=$(free_memory)
for ((i = 0; i < count; i++)); do
	bind "$i"
done
bound=$((start - $(free_memory) + unbound))
for ((i = 0; i < count; i++)); do
	unbind "$i"
done
unbind "$count"
note "KiB of $count devices, never bound: $(paste -sd' ' "$tmp/unbound"), with the C driver:" \
	"$(paste -sd' ' "$tmp/c")"
note "KiB of one: never bound $((unbound / count)), with the C driver $((c_driver / count)); bound" \
	"$((bound / count))"
[[ $unbound -gt 0 && $c_driver -gt 0 ]] || fail "devices of no size"
# The queue's requests alone are 64 KiB. What is free is known to some 30 KiB for each.
[[ $((unbound - c_driver)) -le $((96 * count)) ]] || fail "never bound: 96 KiB more than the C driver's"
[[ $bound -le $((1024 * count)) ]] || fail "bound: more than 1 MiB"
