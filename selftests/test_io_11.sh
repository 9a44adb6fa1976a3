#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: writing zeroes without data (`blkdiscard -z') gives zeroes in that range only.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 4194304 >"$tmp/file"
body() {
	local dir=$2 dev
	cp "$tmp/file" "$dir/image"
	dev=$(attach_mode "$1" "$dir/image")
	blkdiscard -z -o 1049088 -l 2097152 "$dev"
	drop_caches
	for file in "$dev" "$dir/image"; do
		cmp -n 1049088 "$tmp/file" "$file"
		cmp -n 2097152 -i 0:1049088 /dev/zero "$file"
		cmp -i 3146240 "$tmp/file" "$file"
	done
	expect "size of the file" 4194304 "$(stat -c %s "$dir/image")"
	detach "$dev"
	rm "$dir/image"
}
for fs in ext4 xfs tmpfs; do
	dir=$(make_backing $fs 32)
	each_mode body "$dir"
done
