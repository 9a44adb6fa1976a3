#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: the access time of the backing file tells, a little late, that it is read, where its
# file system keeps such times.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

accessed() { stat -c %X "$tmp/disk/image"; }
is_later() { [[ $(accessed) -gt $1 ]]; }
# Reads, as it is told only when something is read.
read_until_later() {
	dd if="$dev" of=/dev/null bs=4k count=8 iflag=direct status=none
	is_later "$1"
}
mount_at "$tmp/disk" -t tmpfs -o strictatime tmpfs
truncate -s 1M "$tmp/disk/image"
touch -a -d '2001-01-01' "$tmp/disk/image"
dev=$(attach "$tmp/disk/image")
before=$(accessed)
eventually read_until_later "$before"
# And again.
touch -a -d '2001-01-01' "$tmp/disk/image"
before=$(accessed)
eventually read_until_later "$before"
detach "$dev"

mount -o remount,noatime "$tmp/disk"
touch -a -d '2001-01-01' "$tmp/disk/image"
before=$(accessed)
dev=$(attach "$tmp/disk/image")
dd if="$dev" of=/dev/null bs=4k count=8 iflag=direct status=none
detach "$dev"
expect "access time with noatime" "$before" "$(accessed)"
umount "$tmp/disk"
