#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: offset and size limit cut the device out of the file, in whole sectors,
# also where they lie beyond its end.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

truncate -s 10000 "$tmp/image"
# case SIZE OPTION…: the device has SIZE bytes.
try() {
	local wanted=$1 dev
	shift
	dev=$(attach "$tmp/image" "$@")
	expect "size with '$*'" "$wanted" "$(size_of "$dev")"
	detach "$dev"
}
try 9728
try 9216 -o 512
try 8704 -o 1000
try 9728 -o 1
try 512 -o 9488
try 0 -o 9489
try 0 -o 10000
try 0 -o 20000
try 4096 --sizelimit 4096
try 3584 --sizelimit 4095
try 0 --sizelimit 511
try 9728 --sizelimit 0
try 9728 --sizelimit 1000000
try 1536 -o 8192 --sizelimit 8192
try 0 -o 9223372036854775807
try 9728 --sizelimit 9223372036854775807

dev=$(attach "$tmp/image" -o 1000 --sizelimit 4096)
expect "offset" 1000 "$(attribute "$dev" offset)"
expect "sizelimit" 4096 "$(attribute "$dev" sizelimit)"
