#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a udev rule sets what a device has below /sys/block/<dev>/rloop/ when a file is
# attached that the rule is for, and no other.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver has nothing to set"
rules=/run/udev/rules.d/90-rloop-selftest.rules
[[ -d /run/udev ]] || skip "no udev"
mkdir -p "${rules%/*}" "$tmp/vm"
on_exit udevadm control --reload
on_exit rm -f "$rules"
# As in README.md, but for the names.
cat >"$rules" <<-EOF
	ACTION=="change", SUBSYSTEM=="block", KERNEL=="${LOOP}[0-9]*", ATTR{loop/backing_file}=="$tmp/vm/*", \\
	    ATTR{rloop/error_policy}="sticky", ATTR{rloop/flush_mode}="barrier"
EOF
udevadm control --reload
truncate -s 1M "$tmp/vm/image" "$tmp/image"

dev=$(attach "$tmp/vm/image")
other=$(attach "$tmp/image")
expect "error_policy" sticky "$(setting "$dev" error_policy)"
expect "flush_mode" barrier "$(setting "$dev" flush_mode)"
expect "error_policy of another file" report "$(setting "$other" error_policy)"

# The next file of the device begins with what is usual.
detach "$dev"
losetup "$dev" "$tmp/image"
settle
expect "error_policy of the next file" report "$(setting "$dev" error_policy)"
losetup -d "$dev"
