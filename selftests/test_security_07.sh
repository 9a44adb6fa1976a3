#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: an overlay does not hide what a file is: those of procfs, sysfs and the like, and
# one that is being swapped to, are refused through it, too.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "the C driver takes such files"
require_module overlay
require_tool mkswap
log_budget
dir=$(make_backing ext4 64)
dev=$(free_device)
name=$(name_of "$dev")
number=0
# try LOWER FILE…: files of that file system, below an overlay.
try() {
	local lower=$1 file
	shift
	[[ -e $lower/$1 ]] || return 0
	mkdir "$dir/upper" "$dir/work" "$dir/merged"
	if mount -t overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" \
		overlay "$dir/merged" 2>"$tmp/output"; then
		for file in "$@"; do
			[[ -e $lower/$file ]] || continue
			number=$((number + 1))
			expect_error EINVAL loopctl "$dev" set_fd "$dir/merged/$file:ro"
			is_detached "$dev" || fail "$lower/$file is attached"
		done
		umount "$dir/merged"
	else
		log "$lower cannot be below an overlay: $(cat "$tmp/output")"
	fi
	rm -r "$dir/upper" "$dir/work" "$dir/merged"
}
try /proc version
try /sys/kernel/mm/ksm run
try /sys/kernel/debug sleep_time clear_warn_once
try /sys/kernel/tracing tracing_on
try /sys/fs/cgroup cgroup.procs
try /sys/kernel/security lsm
[[ $number -ge 2 ]] || fail "only $number files were tried"
why="it is a view of the kernel's own state"
lines=$(kernel_log | grep -c "$name: file descriptor [0-9]*: $why, allowed:" || true)
expect "lines in the kernel's log" "$number" "$lines"

mkdir "$dir/lower" "$dir/upper" "$dir/work" "$dir/merged"
dd if=/dev/zero of="$dir/upper/swap" bs=64k count=64 status=none
chmod 600 "$dir/upper/swap"
mkswap "$dir/upper/swap" >/dev/null
mount_overlay "$dir" "$dir/merged"
swapon "$dir/upper/swap"
on_exit swapoff "$dir/upper/swap"
expect_error ETXTBSY loopctl "$dev" set_fd "$dir/merged/swap"
expect_error ETXTBSY loopctl "$dev" set_fd "$dir/merged/swap:ro"
is_detached "$dev" || fail "a swap file is attached"
swapoff "$dir/upper/swap"
expect "set_fd" 0 "$(loopctl "$dev" set_fd "$dir/merged/swap")"
detach "$dev"
umount "$dir/merged"
