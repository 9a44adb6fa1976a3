#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: a power failure at any point of sequences of writes, FUA writes, discards, zeroings
# and flushes in an image on ext4: there is what was flushed, and nothing that was not
# written.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_log
without_udev
body() {
	cut_power sequences 2 "$1" ext4 none 12
}
each_mode body
note "$cut_points points"
