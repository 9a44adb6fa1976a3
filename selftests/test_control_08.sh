#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: opening a node whose device does not exist makes the device; where max_loop
# was given, none with that number or more.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
has_autoload || skip "the kernel has no CONFIG_BLOCK_LEGACY_AUTOLOAD"
node() { echo "$tmp/node$1"; }
# open_node MINOR: opens a node for it, prints what comes of that.
open_node() {
	[[ -b $(node "$1") ]] || mknod "$(node "$1")" b 7 "$1"
	if dd if="$(node "$1")" of=/dev/null count=1 status=none 2>"$tmp/error"; then
		echo open
	else
		sed -n 's/.*: //p' "$tmp/error"
	fi
}
exists() { [[ -e /sys/block/loop$1 ]] && echo yes || echo no; }
load() {
	# udev looks at what opening a node has made.
	settle
	[[ ! -d /sys/module/$module ]] || eventually rmmod "$module"
	insmod "$RLOOP" "$@"
	settle
}
on_exit restore_module

load
expect "loop100 before" no "$(exists 100)"
expect "opening minor 100" open "$(open_node 100)"
expect "loop100" yes "$(exists 100)"
expect "opening the last minor" open "$(open_node 1048575)"
expect "loop1048575" yes "$(exists 1048575)"
settle
# It is as good as any.
truncate -s 1M "$tmp/image"
losetup "$(node 100)" "$tmp/image"
detach_at_exit /dev/loop100
expect "size" 1048576 "$(size_of /dev/loop100)"
detach /dev/loop100
settle
expect "ctl_remove" 0 "$(loopctl /dev/loop-control ctl_remove 100)"
expect "loop100 after its removal" no "$(exists 100)"
expect "opening it again" open "$(open_node 100)"
expect "loop100 again" yes "$(exists 100)"

load max_loop=3
expect "opening minor 2" open "$(open_node 2)"
expect "opening minor 3" "No such device or address" "$(open_node 3)"
expect "loop3" no "$(exists 3)"
# The control node is not limited.
expect "ctl_add" 5 "$(loopctl /dev/loop-control ctl_add 5)"
settle

load max_loop=0
expect "devices of max_loop=0" 0 "$(find /sys/block -name 'loop[0-9]*' | wc -l)"
expect "opening minor 9" open "$(open_node 9)"
expect "loop9" yes "$(exists 9)"

# A minor of a partition stands for its disk.
load max_loop=4 max_part=7
expect "opening minor 25" "No such device or address" "$(open_node 25)"
expect "opening minor 32" "No such device or address" "$(open_node 32)"
expect "loop3" yes "$(exists 3)"
expect "loop4" no "$(exists 4)"
load max_part=7
expect "opening minor 80" open "$(open_node 80)"
expect "loop10" yes "$(exists 10)"
