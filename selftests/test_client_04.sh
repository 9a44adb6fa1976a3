#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: LVM makes a volume on two devices, extends it, moves it from one to the
# other, and takes it apart.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool lvm
[[ $LOOP == loop ]] || skip "LVM knows block devices by the name of their major number"
require_module dm_mirror
truncate -s 32M "$tmp/a" "$tmp/b"
a=$(attach "$tmp/a")
b=$(attach "$tmp/b")
vg=rloop_$TID
# Nothing but these two, and no daemon.
lvm_do() {
	lvm "$@" --config "devices { use_devicesfile = 0
			filter = [ \"a|^$a\$|\", \"a|^$b\$|\", \"r|.*|\" ] }
		activation { monitoring = 0 udev_sync = 1 } global { use_lvmpolld = 0 }" \
		>"$tmp/output" 2>&1 || fail "lvm $1: $(cat "$tmp/output")"
}
lvm_do pvcreate "$a" "$b"
lvm_do vgcreate "$vg" "$a" "$b"
on_exit lvm vgremove -f "$vg"
lvm_do lvcreate -y -Wn -Zn -n volume -L 8M "$vg" "$a"
settle
pattern 8388608 >"$tmp/data"
dd if="$tmp/data" of="/dev/$vg/volume" bs=64k conv=fsync status=none
lvm_do lvextend -L 16M "$vg/volume" "$a"
expect "size" 16777216 "$(size_of "/dev/$vg/volume")"
lvm_do pvmove -i 1 "$a" "$b"
lvm_do vgreduce "$vg" "$a"
detach "$a"
drop_caches
cmp -n 8388608 "/dev/$vg/volume" "$tmp/data"
lvm_do vgremove -f "$vg"
settle
