#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6: what was written to a partition lands where the partition was when it was written, though the
# offset changes before it is written back.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool sfdisk
truncate -s 8M "$tmp/image"
printf 'label: dos\nstart=2048,size=4096\n' | sfdisk -q "$tmp/image"
dev=$(attach "$tmp/image" --partscan)
eventually test -b "${dev}p1"
mkfifo "$tmp/fifo"
python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
os.pwrite(fd, b"A" * 65536, 0)
print("written", flush=True)
sys.stdin.read()
os.fsync(fd)' "${dev}p1" <"$tmp/fifo" >"$tmp/written" &
writer=$!
exec 4>"$tmp/fifo"
eventually test -s "$tmp/written"
expect "set_status64" 0 "$(loopctl "$dev" set_status64 offset=1048576)"
exec 4>&-
wait "$writer"
detach "$dev"
# bytes AT: how many of them at this place of the file are A.
bytes() { dd if="$tmp/image" bs=65536 skip=$(($1 / 65536)) count=1 status=none | tr -dc A | wc -c; }
expect "bytes where the partition was" 65536 "$(bytes 1048576)"
expect "bytes where it is now" 0 "$(bytes 2097152)"
