#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: root of a user namespace is nobody special: the control node is closed to
# it, and a device that it may only read it cannot change.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool setpriv unshare
truncate -s 1M "$tmp/image"
chmod 755 "$tmp"
cp "$(command -v loopctl)" "$tmp/loopctl"
dev=$(attach "$tmp/image")
chmod 644 "$dev"
on_exit chmod 660 "$dev"
# in_namespace COMMAND…: as root of a user namespace of user 65534.
in_namespace() {
	setpriv --reuid=65534 --regid=65534 --clear-groups unshare --user --map-root-user "$@"
}
[[ $(in_namespace id -u || true) == 0 ]] || skip "no user namespaces"
expect_failure in_namespace "$tmp/loopctl" "$(control)" ctl_get_free
grep -q "Permission denied" "$tmp/output" || fail "$(cat "$tmp/output")"
expect_failure in_namespace "$tmp/loopctl" "$dev" clr_fd
grep -q "Permission denied" "$tmp/output" || fail "$(cat "$tmp/output")"
expect_error EPERM in_namespace "$tmp/loopctl" "$dev:ro" set_status64 offset=4096
expect_error EPERM in_namespace "$tmp/loopctl" "$dev:ro" set_status offset=4096
expect_error EPERM in_namespace "$tmp/loopctl" "$dev:ro" set_capacity
expect_error EPERM in_namespace "$tmp/loopctl" "$dev:ro" set_direct_io 1
expect_error EPERM in_namespace "$tmp/loopctl" "$dev:ro" set_block_size 4096
expect "size" 1048576 "$(size_of "$dev")"
expect "offset" 0 "$(attribute "$dev" offset)"
# Nor does a device node of its own making help.
expect_failure in_namespace mknod "$tmp/node" b 7 0
