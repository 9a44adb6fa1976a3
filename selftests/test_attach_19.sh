#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P12: 100 attach and detach cycles leave nothing behind: no reference to the
# module, open file, task, device or workqueue, and no growing memory.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing tmpfs 16)
truncate -s 1M "$dir/image"
refs=/sys/module/$(under_test_is_c && echo loop || echo "$module")/refcnt
dev=$(free_device)
detach_at_exit "$dev"
# With udev out of the way: it opens each device, and one that is open is not
# detached yet when the next cycle begins. (--stop-exec-queue is not enough.)
pkill -STOP -x systemd-udevd || true
on_exit pkill -CONT -x systemd-udevd
count() {
	sleep 0.5
	echo "references $(<"$refs")"
	echo "files $(awk '{ print $1 - $2 }' /proc/sys/fs/file-nr)"
	echo "devices $(find /sys/block -name "$LOOP*" | wc -l)"
	# Without the pool's workers, which bear the name of what they did last.
	echo "tasks $(cat /proc/[0-9]*/comm 2>/dev/null | grep "$LOOP" | grep -vc '^kworker/[0-9u]' || true)"
	echo "attached $(attached_devices | wc -l)"
}
# Kernel memory that cannot be given back, after what can is gone.
memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "SUnreclaim:" || $1 == "Percpu:" || $1 == "KernelStack:" { sum += $2 } END { print sum }' /proc/meminfo
}
expect "cycles" 0 "$(loopctl "$dev" cycles "$dir/image" 10)"
before=$(count)
start=$(memory)
expect "cycles" 0 "$(loopctl "$dev" cycles "$dir/image" 100)"
after=$(count)
end=$(memory)
log "before: ${before//$'\n'/, }; after: ${after//$'\n'/, }; memory $start to $end KiB"
for what in references devices attached tasks; do
	expect "$what" "$(grep "^$what" <<<"$before")" "$(grep "^$what" <<<"$after")"
done
files() { sed -n 's/^files //p' <<<"$1"; }
[[ $(($(files "$after") - $(files "$before"))) -lt 50 ]] || fail "open files were leaked"
# 100 leaked request queues or 64 KiB objects would be over 6 MiB.
[[ $((end - start)) -lt 4096 ]] || fail "the kernel's memory grew by $((end - start)) KiB"
# Whoever leaked a reference to the backing file keeps its file system busy.
umount "$dir"
