#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P3: on a full file system each write that finds no place fails with ENOSPC; what
# succeeded is there after the next mount; with room again all succeeds.
# shellcheck source=selftests/full_common.sh
source "$(dirname "$0")/full_common.sh"

each_mode full ext4
clean_unload
