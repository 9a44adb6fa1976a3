#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P11: the same as fuzz_01 by the kernel's 32-bit entry. CALLS is how many, default 12000.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

calls=${CALLS:-$(scaled 12000)}
limit=$((60 + calls / 100))
dirs=()
for fs in tmpfs ext4; do
	dir=$(make_backing "$fs" 64)
	chmod 777 "$dir"
	dirs+=("$dir")
done
chmod 755 "$tmp"
without_udev
on_exit restore_devices
on_exit detach_all
status=0
fuzz --compat --seed "$SEED" --prefix "$LOOP" --calls $((calls / 3)) --limit $limit --devices 3 \
	"${dirs[@]}" >&2 || status=$?
[[ $status -ne 4 ]] || skip "the kernel has no 32-bit entry"
expect "status of fuzz --compat --seed $SEED" 0 "$status"
detach_all
fuzz --compat --seed "$SEED" --prefix "$LOOP" --calls $((calls / 3)) --limit $limit --uid 65534 \
	--processes 4 "${dirs[@]}" >&2 || fail "fuzz --compat --seed $SEED, processes"
detach_all
fuzz --compat --seed "$SEED" --prefix "$LOOP" --calls $((calls / 3)) --limit $limit --uid 65534 --pseudo \
	--processes 2 --threads 3 "${dirs[@]}" >&2 || fail "fuzz --compat --seed $SEED, threads"
detach_all
clean_unload
umount "${dirs[@]}"
