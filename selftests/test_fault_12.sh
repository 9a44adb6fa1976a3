#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P6, P11: the quota of the backing file's owner holds for who attached it: a write beyond
# it fails with ENOSPC (a block device cannot say EDQUOT), those before it are there.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_tool setquota setpriv
modprobe -q quota_v2 || true
count=1024
node=$(ram_disk 32)
make_fs ext4 "$node"
tune2fs -O quota -Q usrquota "$node" >/dev/null
mkdir "$tmp/mnt"
mount -o usrquota "$node" "$tmp/mnt" || skip "the kernel has no quota"
on_exit umount "$tmp/mnt"
setquota -u 1000 0 2048 0 0 "$tmp/mnt"
body() {
	local mode=$1 dev failed
	truncate -s $((count * 4096)) "$tmp/mnt/image"
	chown 1000 "$tmp/mnt/image"
	dev=$(free_device)
	detach_at_exit "$dev"
	# Who has that capability has no limits.
	setpriv --inh-caps -sys_resource --bounding-set -sys_resource -- \
		losetup "--direct-io=$([[ $mode == direct ]] && echo on || echo off)" "$dev" "$tmp/mnt/image"
	scan "$dev:direct" write --count $count --seed "$SEED" --fsync --state "$tmp/state" >"$tmp/errors" ||
		fail "scan"
	failed=$(grep -c ' ENOSPC$' "$tmp/errors" || true)
	note "$mode: $failed of $count writes failed with ENOSPC; $(allocated "$tmp/mnt/image") bytes in use"
	expect "other errors" '' "$(grep -v ' ENOSPC$' "$tmp/errors" || true)"
	[[ $failed -ge $((count / 2)) && $failed -lt $count ]] || fail "$failed of $count writes failed"
	detach "$dev"
	umount "$tmp/mnt"
	mount -o usrquota "$node" "$tmp/mnt"
	expect_silence scan "$tmp/mnt/image" read --count $count --state "$tmp/state"
	rm "$tmp/mnt/image" "$tmp/state"
}
each_mode body
clean_unload
