#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: with a DESTDIR all files, and nothing else, are put and removed below it.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
install=$(dirname "$RLOOP")/install
[[ -x $install ]] || skip "no $install"
[[ $module == rloop ]] || skip "the module is called $module"
run() {
	"$install" --module "$RLOOP" --destdir "$tmp/root" --modules-dir /usr/lib/modules \
		--modprobe-dir /usr/lib/modprobe.d "$@"
}
files() { find "$tmp/root" -type f -printf '%m %P\n' | sort | paste -sd' '; }

run
conf="644 usr/lib/modprobe.d/rloop.conf"
expect "files" "$conf 644 usr/lib/modules/$(uname -r)/updates/rloop.ko" "$(files)"
cmp "$RLOOP" "$tmp/root/usr/lib/modules/$(uname -r)/updates/rloop.ko"
[[ ! -e /etc/modprobe.d/rloop.conf ]] || fail "something is outside of DESTDIR"

# The file for modprobe stays as long as any kernel has rloop.
mkdir -p "$tmp/root/usr/lib/modules/9.9/updates"
touch "$tmp/root/usr/lib/modules/9.9/updates/rloop.ko"
run --uninstall
expect "files" "$conf 644 usr/lib/modules/9.9/updates/rloop.ko" "$(files)"
rm "$tmp/root/usr/lib/modules/9.9/updates/rloop.ko"
run --uninstall
expect "files" "" "$(files)"

expect_failure "$install" --module "$tmp/none"
