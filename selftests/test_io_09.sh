#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: an offset that is no multiple of a sector works, in buffered mode.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 32)
pattern 2097152 1 >"$tmp/file"
for offset in 1 511 1000 4095 65537; do
	cp "$tmp/file" "$dir/image"
	dev=$(attach "$dir/image" -o "$offset" --sizelimit 1048576 --direct-io=on)
	expect "dio" 0 "$(attribute "$dev" dio)"
	cmp "$dev" "$tmp/file" -i "0:$offset" -n 1048576
	pattern 131072 2 >"$tmp/data"
	dd if="$tmp/data" of="$dev" bs=64k seek=3 oflag=direct conv=notrunc,fsync status=none
	fio_verify "$dev" --size=256k --offset=512k --bsrange=512-16k
	cmp "$tmp/data" "$dev" -i 0:196608 -n 131072
	detach "$dev"
	# File: as before, the data, as before, what fio wrote, as before.
	cmp "$dir/image" "$tmp/file" -n $((offset + 196608))
	cmp "$dir/image" "$tmp/data" -i $((offset + 196608)):0 -n 131072
	cmp "$dir/image" "$tmp/file" -i $((offset + 327680)) -n 196608
	cmp "$dir/image" "$tmp/file" -i $((offset + 786432))
done
