# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests with a disk whose writes are logged, on top of stress_common.sh. To be
# sourced.

# shellcheck source=selftests/stress_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/stress_common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# python PROGRAM ARGUMENT…: one of the programs beside this file.
python() { PYTHONDONTWRITEBYTECODE=1 python3 "$here/$1.py" "${@:2}"; }
# must_have MODULE: Debian's kernels have it, where a test that needs it has to run.
must_have() {
	if [[ $(uname -r) == *deb* ]] && ! modprobe -n -q "$1"; then
		fail "Debian's kernel has no $1 any more"
	fi
	require_module "$1"
}
require_log() {
	require_tool python3
	must_have dm_log_writes
}
# logged NAME DISK LOG: the writes of DISK go to LOG, too. Prints the node. There is no
# udev, as it would have to look at each.
logged() {
	dmsetup create "$1" --table "0 $(sectors_of "$2") log-writes $2 $3"
	on_exit remove_logged "$1"
	echo "/dev/mapper/$1"
}
# remove_logged NAME: whereupon its log is complete.
remove_logged() { dmsetup remove --retry "$1"; }
