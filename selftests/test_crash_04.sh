#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: a power failure at any point of a journal (write A, do not wait, flush, write B,
# flush) in an image on ext4 or XFS: all that was acknowledged is there, and no B without
# its A.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_log
without_udev
body() {
	cut_power journal 80 "$1" ext4 none 30
	cut_power journal 80 "$1" xfs none 30
}
each_mode body
note "$cut_points points"
