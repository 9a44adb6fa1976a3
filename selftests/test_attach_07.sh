#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: losetup's listings show file, offset, size limit, autoclear, read-only,
# direct I/O and block size.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

dir=$(make_backing ext4 16)
truncate -s 4M "$dir/a" "$dir/b"
a=$(attach "$dir/a" -o 4096 --sizelimit 8192 -r)
b=$(attach "$dir/b" -b 4096 --direct-io=on)

list() { losetup -l -n --raw -O NAME,SIZELIMIT,OFFSET,AUTOCLEAR,RO,DIO,LOG-SEC,BACK-FILE "$@"; }
expect "first" "$a 8192 4096 0 1 0 512 $dir/a" "$(list "$a")"
expect "second" "$b 0 0 0 0 1 4096 $dir/b" "$(list "$b")"
all=$(list)
grep -qxF "$(list "$a")" <<<"$all" || fail "-l lacks $a: $all"
grep -qxF "$(list "$b")" <<<"$all" || fail "-l lacks $b: $all"
grep -qF "$a: " < <(losetup -a) || fail "-a lacks $a"
expect "-j" "$a" "$(losetup -n -O NAME -j "$dir/a")"
expect "-j with an offset" "$a" "$(losetup -n -O NAME -j "$dir/a" -o 4096)"
expect "-j with another offset" "" "$(losetup -n -O NAME -j "$dir/a" -o 512)"
detach "$a"
expect "-j of no device" "" "$(losetup -n -O NAME -j "$dir/a")"
expect "get_status64 of no device" ENXIO "$(loopctl "$a" get_status64 || true)"
