#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1: a power failure at any point of programs that log, replace and overwrite files, and use
# SQLite, on ext4 in an image on ext4: all that was acknowledged is there, and e2fsck finds
# nothing.
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

require_log
without_udev
body() {
	cut_power files 30 "$1" ext4 ext4 12
}
each_mode body
note "$cut_points points"
