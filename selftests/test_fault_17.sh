#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P3: the same as fault_11 on btrfs, which writes nothing in place: each write needs a new
# one.
# shellcheck source=selftests/full_common.sh
source "$(dirname "$0")/full_common.sh"

each_mode full btrfs
clean_unload
