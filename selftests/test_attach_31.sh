#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10, P11: a device that is being detached, and stays open until then, cannot become the file
# of another: EINVAL, as for one that is not bound.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

log_budget
truncate -s 1M "$tmp/image"
lower=$(attach "$tmp/image")
upper=$(free_device)
detach_at_exit "$upper"
exec 3<>"$lower"
# By the only descriptor that there is, so that it is detached with that.
python3 -c 'import fcntl
fcntl.ioctl(3, 0x4c01) # LOOP_CLR_FD'
expect_failure head -c 1 "$lower"
grep -q "No such device or address" "$tmp/output" || fail "somebody else has it open"
expect_error EINVAL loopctl "$upper" set_fd fd=3
expect_log "$(name_of "$upper")" "$(name_of "$lower")" "no backing file"
is_detached "$upper" || fail "it is attached all the same"
exec 3>&-
eventually is_detached "$lower"
settle
