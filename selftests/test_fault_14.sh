#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P9: the same as fault_11 on XFS, which for buffered writes then waits for work of
# its own: the kernel does not complain about the worker that does.
# shellcheck source=selftests/full_common.sh
source "$(dirname "$0")/full_common.sh"

each_mode full xfs
clean_unload
