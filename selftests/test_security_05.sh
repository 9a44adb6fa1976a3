#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: who is refused a thousand times cannot fill the kernel's log, and no refusal
# takes anything with it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
dev=$(free_device)
name=$(name_of "$dev")
refs=/sys/module/$(under_test_is_c && echo loop || echo "$module")/refcnt
before=$(<"$refs")
seconds=$(python3 - "$dev" <<'END'
import fcntl, os, sys, time
LOOP_SET_FD, LOOP_CONFIGURE = 0x4C00, 0x4C0A
node = os.open(sys.argv[1], os.O_RDWR)
null = os.open("/dev/null", os.O_RDONLY)
start = time.monotonic()
for i in range(1000):
    try:
        fcntl.ioctl(node, LOOP_SET_FD, (null, 9999, -1)[i % 3])
        sys.exit("attached")
    except OSError:
        pass
print(int(time.monotonic() - start) + 1)
END
) || fail "$seconds"
lines=$(kernel_log | grep -c " $name: file descriptor" || true)
log "$lines lines in $seconds seconds"
# Ten in five seconds.
[[ $lines -le $((10 * (1 + (seconds + 4) / 5))) ]] || fail "$lines lines in $seconds seconds"
under_test_is_c || [[ $lines -ge 1 ]] || fail "nothing in the kernel's log"
expect "references" "$before" "$(<"$refs")"
is_detached "$dev" || fail "$dev is attached"
truncate -s 1M "$tmp/image"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$tmp/image")"
detach_at_exit "$dev"
