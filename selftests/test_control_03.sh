#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: LOOP_GET_STATUS64 tells what was set, LOOP_SET_STATUS64 changes offset, size
# limit, name and autoclear of a bound device and nothing else.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 1048576 >"$tmp/image"
dev=$(attach "$tmp/image")
status() { loopctl "$dev" get_status64 | sed -n "s/^$1=//p"; }
expect "number" "${dev#/dev/"$LOOP"}" "$(status number)"
expect "inode" "$(stat -c %i "$tmp/image")" "$(status inode)"
expect "device" "$(stat -c %d "$tmp/image")" "$(status device)"
expect "flags" 0 "$(status flags)"

expect "set_status64" 0 "$(loopctl "$dev" set_status64 offset=8192 sizelimit=65536 name=hello)"
expect "offset" 8192 "$(status offset)"
expect "sizelimit" 65536 "$(status sizelimit)"
expect "name" hello "$(status name)"
expect "size" 65536 "$(size_of "$dev")"
cmp "$dev" "$tmp/image" -i 0:8192 -n 65536
# Read-only and direct I/O are not for this ioctl; autoclear can be taken back
# as long as somebody has the device open.
exec 3<"$dev"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 flags=$((1 | 4 | 16)))"
expect "flags" 4 "$(status flags)"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 flags=0)"
expect "flags" 0 "$(status flags)"
exec 3<&-
expect "backing file" "$tmp/image" "$(attribute "$dev" backing_file)"

# The old ioctls, and what does not fit into them.
expect "set_status" 0 "$(loopctl "$dev" set_status offset=4096 name=old)"
expect "offset" 4096 "$(status offset)"
expect "sizelimit" 0 "$(status sizelimit)"
expect "name" old "$(loopctl "$dev" get_status | sed -n 's/^name=//p')"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 offset=0x100000000)"
expect_error EOVERFLOW loopctl "$dev" get_status
expect "offset" 4294967296 "$(status offset)"

detach "$dev"
for command in get_status64 get_status set_status64 set_status; do
	expect_error ENXIO loopctl "$dev" $command
done
