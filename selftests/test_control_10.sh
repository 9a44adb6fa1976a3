#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: what user space is told, and no more: one change of the disk when it is attached, a
# resize, partitions that come and go, a media change when it is detached; and each new
# content has a new disk sequence number.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_tool sfdisk
truncate -s 4M "$tmp/image"
printf 'label: dos\nstart=2048,size=1024\nstart=4096,size=1024\n' | sfdisk -q "$tmp/image"
cp "$tmp/image" "$tmp/other"
dev=$(free_device)
name=$(name_of "$dev")
# udev would look at the device, and have events of its own sent.
without_udev
udevadm monitor --kernel --property --subsystem-match=block >"$tmp/events" &
on_exit kill "$!"
eventually grep -q KERNEL "$tmp/events"
# events: those after the first `seen' ones, with what tells more about the disk's. That
# it is writable again is told by rloop only.
seen=0
events() {
	awk -v RS= -v name="$name" -v seen="$seen" '
		NR > seen && $0 ~ "DEVNAME=(/dev/)?" name "(p[0-9]+)?(\n|$)" && !/DISK_RO=0/ {
			action = what = more = ""
			for (i = 1; i <= NF; i++) {
				if (sub(/^ACTION=/, "", $i))
					action = $i
				else if (sub(/^DEVNAME=(\/dev\/)?/, "", $i))
					what = $i == name ? "disk" : substr($i, length(name) + 1)
				else if ($i ~ /^(DISK_[A-Z_]*|RESIZE)=/)
					more = more "," $i
			}
			print action ":" what more
		}' "$tmp/events"
}
count() { awk -v RS= 'END { print NR }' "$tmp/events"; }
# mark: has an event sent that comes after all those there are.
marks() { grep -c 'SYNTH_ARG_END=' "$tmp/events" || true; }
marked() { [[ $(marks) -gt $1 && -z $(tail -n 1 "$tmp/events") ]]; }
mark() {
	local before
	before=$(marks)
	echo 'change 12345678-1234-1234-1234-123456789abc END=1' >"/sys/block/$name/uevent"
	eventually marked "$before"
}
# told WHAT WANTED: the events of what was done just now.
told() {
	local got
	mark
	# Without the mark, which is the last one.
	got=$(events | sed '$d' | paste -sd' ')
	log "$1: $got"
	[[ $1 != detach ]] || got=$(tr ' ' '\n' <<<"$got" | sort | paste -sd' ')
	expect "events of $1" "$2" "$got"
	seen=$(count)
}
seq() { cat "/sys/block/$name/diskseq"; }
# expect_newer NUMBER: the disk's is; other disks take numbers, too.
expect_newer() { [[ $(seq) -gt $1 ]] || fail "disk sequence number is $(seq), and was $1"; }
mark
seen=$(count)

before=$(seq)
expect "configure" 0 "$(loopctl "$dev" configure "$tmp/image")"
detach_at_exit "$dev"
told attach change:disk
expect_newer "$before"
before=$(seq)
truncate -s 5M "$tmp/image"
expect "set_capacity" 0 "$(loopctl "$dev" set_capacity)"
told growing change:disk,RESIZE=1
expect "set_status64" 0 "$(loopctl "$dev" set_status64 sizelimit=4194304)"
told "a size limit" change:disk,RESIZE=1
expect "set_status64" 0 "$(loopctl "$dev" set_status64 name=hello)"
told "a name" ""
expect "set_direct_io" 0 "$(loopctl "$dev" set_direct_io 0)"
expect "set_block_size" 0 "$(loopctl "$dev" set_block_size 1024)"
told "other settings" ""
expect "disk sequence number" "$before" "$(seq)"
expect "set_block_size" 0 "$(loopctl "$dev" set_block_size 512)"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 flags=8)"
# The kernel tells of each scan, too.
told "partition scan" "change:disk add:p1 add:p2"
expect "clr_fd" 0 "$(loopctl "$dev" clr_fd)"
eventually is_detached "$dev"
told detach "change:disk change:disk,DISK_MEDIA_CHANGE=1 remove:p1 remove:p2"
expect_newer "$before"
before=$(seq)

expect "configure" 0 "$(loopctl "$dev:ro" configure "$tmp/image" flags=9 sizelimit=4194304)"
told "attach with partitions" "change:disk change:disk add:p1 add:p2"
expect_newer "$before"
before=$(seq)
expect "change_fd" 0 "$(loopctl "$dev" change_fd "$tmp/other:ro")"
told "change of the file" "remove:p1 remove:p2 change:disk add:p1 add:p2 change:disk"
expect_newer "$before"
detach "$dev"
told detach "change:disk change:disk,DISK_MEDIA_CHANGE=1 remove:p1 remove:p2"
