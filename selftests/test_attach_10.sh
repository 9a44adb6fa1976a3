#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a device that is bound is EBUSY for another file and keeps its own.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 65536 1 >"$tmp/first"
pattern 65536 2 >"$tmp/second"
dev=$(attach "$tmp/first")
expect_error EBUSY loopctl "$dev" set_fd "$tmp/second"
expect_error EBUSY loopctl "$dev" configure "$tmp/second" offset=512
expect_failure losetup "$dev" "$tmp/second"
expect "backing_file" "$tmp/first" "$(attribute "$dev" backing_file)"
expect "offset" 0 "$(attribute "$dev" offset)"
cmp "$tmp/first" "$dev"

# Nor can it be bound while somebody else holds it exclusively.
detach "$dev"
python3 - "$dev" "$tmp" <<'END' &
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)
open(sys.argv[2] + "/held", "w").close()
while not os.path.exists(sys.argv[2] + "/done"):
    time.sleep(0.02)
END
on_exit kill "$!"
eventually test -e "$tmp/held"
expect_error EBUSY loopctl "$dev" set_fd "$tmp/second"
touch "$tmp/done"
wait
is_detached "$dev"
