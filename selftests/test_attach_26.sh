#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: a file of an overlay, as containers have them, is a backing file like any other:
# what is written is in the upper layer, and the lower one stays as it is.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_module overlay
lower=$(make_backing ext4 32)
upper=$(make_backing ext4 32)
pattern 8388608 >"$lower/image"
cp "$lower/image" "$tmp/copy"
mkdir "$tmp/merged"
sum=$(sha256sum <"$lower/image")
body() {
	local dev
	mkdir "$upper/upper" "$upper/work"
	mount -t overlay -o "lowerdir=$lower,upperdir=$upper/upper,workdir=$upper/work" \
		overlay "$tmp/merged"
	on_exit umount "$tmp/merged"
	# To be read only it stays where it is.
	dev=$(attach_mode "$1" "$tmp/merged/image" -r)
	expect "backing_file" "$tmp/merged/image" "$(attribute "$dev" backing_file)"
	cmp "$dev" "$lower/image"
	[[ ! -e $upper/upper/image ]] || fail "it was copied up"
	detach "$dev"

	dev=$(attach_mode "$1" "$tmp/merged/image")
	[[ -e $upper/upper/image ]] || fail "it was not copied up"
	cmp "$dev" "$lower/image"
	fio_verify "$dev" --size=4M
	# What is flushed is in the upper file, and stays when nothing else is left.
	dd if=/dev/zero of="$dev" bs=64k seek=100 count=1 conv=notrunc,fsync status=none
	blkdiscard -o $((7 << 20)) -l $((1 << 20)) "$dev"
	blkdiscard -z -o $((5 << 20)) -l 65536 "$dev"
	sync "$dev"
	drop_caches
	cmp "$dev" "$upper/upper/image"
	expect "content of a hole" 0 \
		"$(tail -c $((1 << 20)) "$upper/upper/image" | tr -d '\0' | wc -c)"
	cmp -n $((1 << 20)) -i $((4 << 20)) "$dev" "$tmp/copy"
	[[ $(allocated "$upper/upper/image") -lt $((15 << 19)) ]] || fail "nothing was deallocated"
	expect "lower file" "$sum" "$(sha256sum <"$lower/image")"
	detach "$dev"
	umount "$tmp/merged"
	rm -r "$upper/upper" "$upper/work"
}
each_mode body
