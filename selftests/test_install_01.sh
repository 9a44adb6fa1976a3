#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: once installed, `modprobe loop' and the kernel by itself load rloop; once
# uninstalled, the C driver.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
install=$(dirname "$RLOOP")/install
[[ -x $install ]] || skip "no $install"
[[ $module == rloop ]] || skip "the module is called $module"
modprobe -n -q loop || skip "the kernel has no C driver"
truncate -s 1M "$tmp/image"

# Modules that can be written to, few of them: depmod takes its time for all. udev
# keeps files of such a directory open.
dir=/lib/modules/$(uname -r)
c_loop=$(modinfo -n loop)
mkdir -p "$tmp/modules/kernel/drivers/block"
cp "$c_loop" "$tmp/modules/kernel/drivers/block"
cp "$dir"/modules.builtin* "$dir/modules.order" "$tmp/modules"
mount --bind "$tmp/modules" "$dir"
on_exit umount -l "$dir"
on_exit restore_module
# Those that this test makes stay when a module goes.
on_exit rm -f /dev/loop-control /dev/loop20
# What keeps the C driver away from the tests.
for conf in /etc/modprobe.d/*; do
	grep -qs '^blacklist loop$' "$conf" || continue
	mv "$conf" "$tmp"
	on_exit mv "$tmp/${conf##*/}" "$conf"
done
on_exit rm -f /etc/modprobe.d/rloop.conf
on_exit modprobe -q -r --ignore-remove loop

loaded() {
	local name
	for name in loop rloop; do
		[[ ! -d /sys/module/$name ]] || echo "$name"
	done | paste -sd' '
}
unload() {
	settle
	modprobe -r loop
	expect "modules after modprobe -r loop" "" "$(loaded)"
}
# The nodes that systemd makes at boot, by what depmod found out.
static_nodes() {
	kmod static-nodes --format=tmpfiles | awk '$2 ~ /loop-control/ { print $2 }' |
		grep -x /dev/loop-control >/dev/null || fail "no static node for /dev/loop-control"
	[[ -c /dev/loop-control ]] || mknod /dev/loop-control c 10 237
	[[ -b /dev/loop20 ]] || mknod /dev/loop20 b 7 20
}
# loads_by_itself DRIVER
loads_by_itself() {
	local dev
	static_nodes
	dev=$(losetup -f --show "$tmp/image")
	expect "loaded by /dev/loop-control" "$1" "$(loaded)"
	expect "size of $dev" 1048576 "$(size_of "$dev")"
	detach "$dev"
	unload
	has_autoload || return 0
	static_nodes
	dd if=/dev/loop20 of=/dev/null count=1 status=none
	expect "loaded by /dev/loop20" "$1" "$(loaded)"
	unload
}

"$install" --module "$RLOOP"
expect "location" "$dir/updates/rloop.ko" "$(modinfo -n rloop)"
eventually rmmod rloop
modprobe loop max_loop=3 hw_queue_depth=64
expect "loaded by modprobe loop" rloop "$(loaded)"
expect "max_loop" 3 "$(</sys/module/rloop/parameters/max_loop)"
expect "queue_depth" 64 "$(</sys/module/rloop/parameters/queue_depth)"
modprobe loop
unload
echo 'options loop max_loop=5' >"/etc/modprobe.d/$TID.conf"
on_exit rm -f "/etc/modprobe.d/$TID.conf"
modprobe -a -b -q loop
expect "max_loop" 5 "$(</sys/module/rloop/parameters/max_loop)"
unload
rm "/etc/modprobe.d/$TID.conf"
loads_by_itself rloop

# Where rloop does not load the C driver does.
modprobe loop max_part=-1
expect "loaded when rloop refuses" loop "$(loaded)"
unload

"$install" --uninstall --module "$RLOOP"
[[ ! -e $dir/updates/rloop.ko && ! -e /etc/modprobe.d/rloop.conf ]] ||
	fail "something stays behind"
expect_failure modprobe rloop
modprobe loop
expect "loaded by modprobe loop" loop "$(loaded)"
unload
loads_by_itself loop

# What it tells those to do who have the other driver loaded.
# change_over WANTED ARGUMENT…: does that; WANTED is loaded then.
change_over() {
	local wanted=$1 command
	shift
	"$install" --module "$RLOOP" "$@" 2>"$tmp/output"
	command=$(grep -oE '(modprobe -r|rmmod) r?loop && modprobe loop$' "$tmp/output") ||
		fail "it does not tell what to do: $(cat "$tmp/output")"
	settle
	eval "$command" || fail "'$command' fails"
	expect "loaded after '$command'" "$wanted" "$(loaded)"
}
modprobe loop
expect "loaded by modprobe loop" loop "$(loaded)"
change_over rloop
change_over loop --uninstall
unload
