#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: unloading the module races with attaching, opening, I/O and all that changes a
# device: it is refused while anything is in use, and nothing breaks when it is not; a
# bound device holds it against any number of attempts.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

name=$(module_name)
dir=$(make_backing tmpfs 16)
chaos make "$dir/1" 1000 1
chaos make "$dir/2" 1000 2
on_exit restore
restore() {
	[[ -d /sys/module/$name ]] || load "$name"
	detach_all
}

# Bound: refused each time, and the device does not notice.
dev=$(attach "$dir/1")
chaos run --seed "$SEED" --prefix "$LOOP" --devices "$((${dev#/dev/"$LOOP"} + 1))" --processes 1 \
	--calls "$(scaled 300)" --ops read,write,get_status,fsync "$dir/1" >"$tmp/chaos" &
pid=$!
stop_at_exit "$pid"
for ((i = 0; i < $(scaled 40); i++)); do
	expect_failure rmmod "$name"
done
wait "$pid" || fail "chaos: $(cat "$tmp/chaos")"
cmp "$dir/1" "$dev"
detach "$dev"

# In and out of use. Without udev the module is unused often enough.
without_udev
ops=configure,clr_fd,set_status,read,write,ctl_add,ctl_remove,get_free,rescan
ops+=,set_fd,change_fd,set_capacity,set_block_size,set_direct_io,part_add,part_del,tune
chaos run --seed "$SEED" --prefix "$LOOP" --devices 2 --processes 2 --gone --calls 1000000 \
	--limit 600 --ops "$ops" "$dir"/[12] >"$tmp/chaos" 2>&1 &
pid=$!
stop_at_exit "$pid"
unloaded=0 refused=0
for ((i = 0; i < $(scaled 60) || (unloaded == 0 && i < 200); i++)); do
	if rmmod "$name" 2>/dev/null; then
		unloaded=$((unloaded + 1))
		if [[ $name == loop ]]; then modprobe loop; else insmod "$RLOOP"; fi
	else
		refused=$((refused + 1))
	fi
	kill -0 "$pid" 2>/dev/null || break
done
log "unloaded $unloaded times, refused $refused times"
kill -TERM "$pid" 2>/dev/null || true
wait "$pid" || fail "chaos: $(cat "$tmp/chaos")"
! grep -q 'nobody wrote' "$tmp/chaos" || fail "chaos: $(cat "$tmp/chaos")"
[[ $unloaded -gt 0 && $refused -gt 0 ]] || fail "not both unloaded and refused"
[[ -d /sys/module/$name ]] || load "$name"
start_udev
detach_all
clean_unload
umount "$dir"
