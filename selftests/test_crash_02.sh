#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P1, P2: after any sequence of up to three writes, FUA writes, zeroings and flushes,
# with direct I/O, and a power failure at any point, there is what was
# flushed, and nothing that was not written. (Discards: crash_06, crash_09.)
# shellcheck source=selftests/crash_common.sh
source "$(dirname "$0")/crash_common.sh"

contract_holds direct
