#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: sysfs tells the backing file's name as it is now, whatever is in it, or that it is too
# long.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

file=$tmp/$'a b\tc\nd \xc3\xa4\xff\\'
truncate -s 1M "$file"
dev=$(free_device)
detach_at_exit "$dev"
path=/sys/block/$(name_of "$dev")/loop/backing_file
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$file")"
cmp "$path" <(printf '%s\n' "$file") || fail "it is called $(od -c "$path")"
mv "$file" "$tmp/renamed"
expect "name after a rename" "$tmp/renamed" "$(<"$path")"
rm "$tmp/renamed"
expect "name of a deleted file" "$tmp/renamed (deleted)" "$(<"$path")"
losetup -l -O BACK-FILE "$dev" | grep -F "$tmp/renamed (deleted)" >/dev/null ||
	fail "losetup -l: $(losetup -l "$dev")"
detach "$dev"

# A path that is longer than a page.
python3 - "$tmp" "$dev" >&2 <<'END' || fail "cannot attach it"
import os, subprocess, sys
os.chdir(sys.argv[1])
for i in range(25):
    os.mkdir(f"{i:0200d}")
    os.chdir(f"{i:0200d}")
os.truncate(os.open("image", os.O_RDWR | os.O_CREAT), 1 << 20)
subprocess.run(["loopctl", sys.argv[2], "set_fd", "image"], check=True)
END
expect_failure cat "$path"
grep -q "File name too long" "$tmp/output" || fail "$(cat "$tmp/output")"
expect "size" 1048576 "$(size_of "$dev")"
losetup -l "$dev" >/dev/null || fail "losetup -l"
detach "$dev"
