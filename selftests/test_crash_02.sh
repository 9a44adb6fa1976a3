#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1, P2: after any sequence of up to three writes, FUA writes, zeroings and flushes,
# with direct I/O, and a power failure at any point, there is what was
# flushed, and nothing that was not written. (Discards: crash_06.)
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_log
without_udev
export DM_DISABLE_UDEV=1
disk=$(ram_disk 16 cache_size=16)
log=$(ram_disk 2048)
name=$TID-logged
node=$(logged "$name" "$disk" "$log")
dev=$(attach_mode direct "$node")
python contract "$dev" "$name" "$log" "${LENGTH:-3}" >"$tmp/points"
read -r sequences points bad <"$tmp/points"
note "$sequences sequences, $points points, $bad with losses"
expect "points with losses" 0 "$bad"
