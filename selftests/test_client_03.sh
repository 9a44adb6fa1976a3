#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: cryptsetup formats, opens and closes a LUKS image on a device, and given the
# image file itself, for which it attaches one that goes away with it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool cryptsetup
require_module dm_crypt
truncate -s 32M "$tmp/image"
echo secret >"$tmp/key"
dev=$(attach "$tmp/image")
cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
	"$dev" "$tmp/key" || fail "luksFormat"
settle
# open_luks WHAT: and closes it at the end of the test, if need be.
open_luks() {
	cryptsetup open --key-file "$tmp/key" "$1" "$TID"
	on_exit cryptsetup close "$TID"
	settle
}
open_luks "$dev"
pattern 1048576 >"$tmp/data"
dd if="$tmp/data" of="/dev/mapper/$TID" bs=64k conv=fsync status=none
expect_failure cryptsetup open --key-file "$tmp/key" "$dev" "$TID-2"
cryptsetup close "$TID"
settle
detach "$dev"

if [[ $LOOP == loop ]]; then
	before=$(attached_devices)
	open_luks "$tmp/image"
	[[ -n $(attached_devices) ]] || fail "no device is attached to the image"
	cmp -n 1048576 "/dev/mapper/$TID" "$tmp/data"
	cryptsetup close "$TID"
	settle
	none_more() { [[ $(attached_devices) == "$before" ]]; }
	eventually none_more
fi
