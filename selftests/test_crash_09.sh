#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: a power failure at every point of sequences of three operations, a discard or a zeroing
# among them, in an image on ext4: there is what was flushed, and nothing that was not
# written. Each round takes the next ones of some 1,400 sequences.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_log
without_udev
body() {
	cut_power clearing 8 "$1" ext4 none "$(scaled 100)" everywhere
}
each_mode body
note "$cut_points points"
