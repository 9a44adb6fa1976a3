#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: on a file system without holes (vfat) a discard is unsupported and changes
# nothing; zeroes can be written all the same.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing vfat 32)
pattern 4194304 >"$tmp/file"
cp "$tmp/file" "$dir/image"
dev=$(attach "$dir/image")
# The block layer hides EOPNOTSUPP of a discard that it has sent; the first one
# may be needed to find out.
blkdiscard -o 1048576 -l 1048576 "$dev" || true
no_discard() { [[ $(limit "$dev" discard_max_bytes) -eq 0 ]]; }
eventually no_discard
expect_failure blkdiscard -o 1048576 -l 1048576 "$dev"
grep -q "not supported" "$tmp/output" || fail "$(cat "$tmp/output")"
drop_caches
cmp "$tmp/file" "$dev"
cmp "$tmp/file" "$dir/image"

for offset in 1048576 2097664; do
	blkdiscard -z -o "$offset" -l 524288 "$dev"
	sync -f "$dir"
	drop_caches
	cmp -n 524288 -i "0:$offset" /dev/zero "$dev"
	cmp -n 524288 -i "0:$offset" /dev/zero "$dir/image"
done
cmp -n 1048576 "$tmp/file" "$dev"
cmp -n 524800 -i 1572864 "$tmp/file" "$dev"
cmp -i 2621952 "$tmp/file" "$dev"
fio_verify "$dev" --size=1M
