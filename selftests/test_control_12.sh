#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: whether a device is a spinning disk and has a write cache follows the backing file
# and the disk below.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

solid=$(ram_disk 16)
spinning=$(ram_disk 16 rotational=1)
expect "rotational of $spinning" 1 "$(limit "$spinning" rotational)"
# shows ROTATIONAL WRITE_CACHE FILE [OPTION…]
shows() {
	local rotational=$1 cache=$2 dev
	shift 2
	dev=$(attach "$@")
	expect "rotational with $*" "$rotational" "$(limit "$dev" rotational)"
	expect "write_cache with $*" "$cache" "$(limit "$dev" write_cache)"
	detach "$dev"
	under_test_is_c || {
		expect "rotational of a detached device" 0 "$(limit "$dev" rotational)"
		expect "write_cache of a detached device" "write through" "$(limit "$dev" write_cache)"
	}
}
shows 0 "write back" "$solid"
shows 1 "write back" "$spinning"
shows 1 "write through" "$spinning" -r
for node in "$solid" "$spinning"; do
	mkfs.ext4 -q -F "$node"
	settle
	mount_at "$tmp/$(name_of "$node")" "$node"
	truncate -s 1M "$tmp/$(name_of "$node")/image"
done
shows 0 "write back" "$tmp/$(name_of "$solid")/image"
shows 1 "write back" "$tmp/$(name_of "$spinning")/image"
shows 1 "write through" "$tmp/$(name_of "$spinning")/image" -r
truncate -s 1M "$tmp/image"
shows 0 "write back" "$tmp/image"

# A device on a device, and one that gets another file.
dev=$(attach "$spinning" -r)
shows 1 "write through" "$dev" -r
expect "change_fd" 0 "$(loopctl "$dev" change_fd "$solid:ro")"
under_test_is_c || expect "rotational after change_fd" 0 "$(limit "$dev" rotational)"
