#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: losetup's less common options: -j and -L find devices by their file, -a, -O
# and --json list, --loop-ref names, -D detaches all.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

pattern 2097152 >"$tmp/image"
cp "$tmp/image" "$tmp/other"
a=$(attach "$tmp/image" -o 4096 --sizelimit 1048576)
b=$(attach "$tmp/other" -b 4096)
expect "losetup -j" "$a" "$(losetup -n -O NAME -j "$tmp/image")"
expect "losetup -j -o" "$a" "$(losetup -n -O NAME -j "$tmp/image" -o 4096)"
expect "losetup -j with another offset" "" "$(losetup -n -O NAME -j "$tmp/image" -o 8192)"
expect "losetup -O" "$b 0 0 0 0 4096 $tmp/other" \
	"$(losetup -n -O NAME,SIZELIMIT,OFFSET,AUTOCLEAR,RO,LOG-SEC,BACK-FILE "$b" | xargs)"
expect "losetup --json" "$tmp/other" \
	"$(losetup --json | jq -r ".loopdevices[] | select(.name == \"$b\") | .\"back-file\"")"
losetup -a | grep "^$a: .*($tmp/image), offset 4096, sizelimit 1048576$" >/dev/null ||
	fail "losetup -a: $(losetup -a)"

# Without an overlap: the same device for the same part, none for one that overlaps.
if [[ $LOOP == loop ]]; then
	expect "losetup -L" "$a" \
		"$(losetup -L -f --show -o 4096 --sizelimit 1048576 "$tmp/image")"
	expect_failure losetup -L -f --show -o 8192 --sizelimit 1048576 "$tmp/image"
	c=$(losetup -L -f --show -o 1052672 "$tmp/image")
	detach_at_exit "$c"
	expect "size of another part" 1044480 "$(size_of "$c")"
fi
detach "$a"
if losetup --help | grep -e --loop-ref >/dev/null; then
	a=$(attach "$tmp/image" --loop-ref reference)
	expect "losetup -O REF" reference "$(losetup -n -O REF "$a")"
fi
cmp "$b" "$tmp/other"
if [[ $LOOP == loop ]]; then
	losetup -D
	none() { [[ -z $(attached_devices) ]]; }
	eventually none
fi
