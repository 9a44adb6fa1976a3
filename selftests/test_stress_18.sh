#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: nothing is written to the backing file while the kernel's freezer has stopped everything,
# as it does before an image of the memory is made: what waits in the driver is done before, or
# after.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_freezer 3
require_module dm_delay
trace=/sys/kernel/tracing
[[ -d $trace/events ]] || mount -t tracefs tracefs "$trace" 2>/dev/null || true
[[ -d $trace/events/power/suspend_resume && -d $trace/events/block/block_bio_queue ]] ||
	skip "no tracing of I/O in this kernel"

# Stable writes to a file in the page cache are all done by workers that wait, of which there are
# fewer than writes. Without a journal, whose thread would be stopped, too.
node=$(ram_disk 64)
mkfs.ext4 -q -F -O ^has_journal "$node"
slow=$(dm slow "$(linear "$node")")
mount_at "$tmp/disk" "$slow"
dd if=/dev/zero of="$tmp/disk/image" bs=1M count=8 status=none
dev=$(attach_mode buffered "$tmp/disk/image")
sync
dm_switch "$slow" "$(slow_write_table "$node" 600)"

# It may take its time to stop all.
on_exit bash -c "echo $(</sys/power/pm_freeze_timeout) >/sys/power/pm_freeze_timeout"
echo 300000 >/sys/power/pm_freeze_timeout
events=$trace/events
on_exit bash -c "echo 0 >$events/enable; echo 0 >$events/block/block_bio_queue/filter"
# As the kernel has device numbers.
number=$((0x$(stat -L -c '%t' "$slow") << 20 | 0x$(stat -L -c '%T' "$slow")))
echo "dev == $number" >"$events/block/block_bio_queue/filter"
echo 1 >"$events/block/block_bio_queue/enable"
echo 1 >"$events/power/suspend_resume/enable"
: >"$trace/trace"

# Submitted at once, by one who can be frozen while they are under way.
fio --name=writes --filename="$dev" --ioengine=libaio --iodepth=48 --iodepth_batch=48 --direct=1 \
	--sync=dsync --rw=write:12k --bs=4k --number_ios=48 --output="$tmp/fio" &
fio=$!
stop_at_exit "$fio"
all_submitted() { writes_in_flight "$dev" && [[ $in_flight_now -gt 40 ]]; }
eventually all_submitted
freeze_all
wait "$fio" || fail "fio: $(<"$tmp/fio")"

cp "$trace/trace" "$tmp/trace"
# When the freezer began, when all was frozen, and when it went on: writes to the file system.
counts=$(awk '
	/suspend_resume: freeze_processes.* begin/ { now = 1 }
	/suspend_resume: freeze_processes.* end/ { now = 2 }
	/suspend_resume: thaw_processes.* begin/ { now = 3 }
	/block_bio_queue/ && $0 ~ / F?WF?S?M? / { count[now]++ }
	END { print now + 0, count[1] + 0, count[2] + 0, count[3] + 0 }' "$tmp/trace")
read -r phase meanwhile frozen later <<<"$counts"
log "writes while all is being stopped: $meanwhile, while it is: $frozen, later: $later"
expect "phases of the freezer" 3 "$phase"
[[ $((meanwhile + later)) -gt 0 ]] || fail "nothing was left to be written"
expect "writes while all is stopped" 0 "$frozen"
detach "$dev"
umount "$tmp/disk"
clean_unload
