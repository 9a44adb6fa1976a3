#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: what losetup makes of files that are not as it wants them: it attaches one that
# may only be read read-only, warns of one that is no multiple of 512 bytes, and fails,
# with the reason, for what is no file.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool setpriv
dev=$(free_device)
detach_at_exit "$dev"
# refused MESSAGE COMMAND…: fails, says so, and attaches nothing.
refused() {
	local message=$1
	shift
	expect_failure "$@"
	grep -q "$message" "$tmp/output" || fail "'$*' says: $(cat "$tmp/output")"
	is_detached "$dev" || fail "'$*' attaches"
}
# attaches BYTES READ_ONLY COMMAND…: what the device is then.
attaches() {
	local bytes=$1 read_only=$2
	shift 2
	"$@" 2>"$tmp/output" || fail "'$*' says: $(cat "$tmp/output")"
	settle
	expect "size with '$*'" "$bytes" "$(size_of "$dev")"
	expect "ro with '$*'" "$read_only" "$(blockdev --getro "$dev")"
	detach "$dev"
	settle
}
refused "Is a directory" losetup "$dev" "$tmp"
refused "Invalid argument" losetup -r "$dev" "$tmp"
refused "Invalid argument" losetup "$dev" /dev/zero
refused "No such file or directory" losetup "$dev" "$tmp/none"

# As root without the right to read everything.
unprivileged() { setpriv --bounding-set -dac_override,-dac_read_search "$@"; }
truncate -s 1M "$tmp/image"
chown 1:1 "$tmp/image"
chmod 600 "$tmp/image"
refused "Permission denied" unprivileged losetup "$dev" "$tmp/image"
chmod 604 "$tmp/image"
attaches 1048576 1 unprivileged losetup "$dev" "$tmp/image"
attaches 1048576 0 losetup "$dev" "$tmp/image"

# On a file system that is read-only.
dir=$(make_backing tmpfs 4)
truncate -s 1M "$dir/image"
mount -o remount,ro "$dir"
attaches 1048576 1 losetup "$dev" "$dir/image"

: >"$tmp/empty"
attaches 0 0 losetup "$dev" "$tmp/empty"
truncate -s 1000 "$tmp/odd"
attaches 512 0 losetup "$dev" "$tmp/odd"
grep -q "end of the file will be ignored" "$tmp/output" || fail "no warning: $(cat "$tmp/output")"
truncate -s 511 "$tmp/odd"
attaches 0 0 losetup "$dev" "$tmp/odd"
grep -q "smaller than 512 bytes" "$tmp/output" || fail "no warning: $(cat "$tmp/output")"
