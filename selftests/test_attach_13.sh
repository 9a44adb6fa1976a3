#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: the last incomplete sector of a file is not part of the device; an empty
# file makes an empty device.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

try() {
	local bytes=$1 sectors=$(($1 / 512)) dev
	pattern "$bytes" >"$tmp/image"
	dev=$(attach "$tmp/image")
	expect "sectors of $bytes bytes" "$sectors" "$(sectors_of "$dev")"
	cmp -n $((sectors * 512)) "$tmp/image" "$dev"
	expect "bytes read of $bytes" $((sectors * 512)) "$(wc -c <"$dev")"
	if [[ $sectors -gt 0 ]]; then
		# Writing all of it does not make the file longer.
		dd if=/dev/zero of="$dev" bs=512 count="$sectors" conv=fsync status=none
	fi
	expect "size of the file" "$bytes" "$(stat -c %s "$tmp/image")"
	detach "$dev"
}
for bytes in 0 1 511 512 513 1000 1024 4095 4097 65537; do
	try "$bytes"
done
