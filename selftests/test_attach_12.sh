#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: a file opened only for writing is EBADF: it could not be read.
# (The C driver attaches it, and all reads fail.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 1M "$tmp/image"
body() {
	local dev
	dev=$(free_device)
	detach_at_exit "$dev"
	log_budget
	expect_error EBADF loopctl "$dev" set_fd "$tmp/image:wo"
	is_detached "$dev" || fail "$dev is attached"
	expect_log "$(name_of "$dev")" "reading"
}
with_c_loop body
