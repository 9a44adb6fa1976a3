#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: squashfs and erofs images are mounted by way of devices of their own, with an
# overlay on top, in a mount namespace as containers have it; all goes away with it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

[[ $LOOP == loop ]] || skip "mount takes the devices called loop"
require_tool mksquashfs mkfs.erofs unshare
for fs in squashfs erofs overlay; do require_module "$fs"; done
mkdir -p "$tmp/tree/sub"
pattern 1000000 >"$tmp/tree/sub/file"
mksquashfs "$tmp/tree" "$tmp/squashfs" -quiet -no-progress >/dev/null
mkfs.erofs "$tmp/erofs" "$tmp/tree" >/dev/null 2>&1
before=$(attached_devices)
cat >"$tmp/script" <<'END'
set -eu
cd "$1"
mkdir lower1 lower2 upper work merged
mount -t squashfs -o loop,ro squashfs lower1
mount -t erofs -o loop,ro erofs lower2
cmp lower1/sub/file tree/sub/file
cmp lower2/sub/file tree/sub/file
mount -t tmpfs tmpfs upper
mkdir upper/upper upper/work
mount -t overlay -o lowerdir=lower1:lower2,upperdir=upper/upper,workdir=upper/work overlay merged
echo new >merged/sub/file
cmp lower1/sub/file tree/sub/file
losetup -n -O BACK-FILE,RO,AUTOCLEAR | sort
END
# The namespace ends with the shell, and with it what is mounted there.
unshare --mount --propagation private bash "$tmp/script" "$tmp" >"$tmp/listing" 2>&1 ||
	fail "$(cat "$tmp/listing")"
for fs in squashfs erofs; do
	grep -Eq "^$tmp/$fs +1 +1$" "$tmp/listing" || fail "$(cat "$tmp/listing")"
done
gone() { [[ $(attached_devices) == "$before" ]]; }
eventually gone
