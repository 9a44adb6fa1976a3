#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: with a DESTDIR all files, and nothing else, are put and removed below it, for all to read.
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

! under_test_is_c || skip "needs rloop"
install=$(dirname "$RLOOP")/install
[[ -x $install ]] || skip "no $install"
[[ $module == rloop ]] || skip "the module is called $module"
outside=$tmp/outside
run_all() {
	"$install" --destdir "$tmp/root" --modules-dir "$outside/modules" \
		--modprobe-dir "$outside/modprobe.d" "$@"
}
run() { run_all --module "$RLOOP" "$@"; }
files() { find "$tmp/root" -type f -printf '%m %P\n' | sort | paste -sd' '; }
# unchanged: what is there without the DESTDIR, where rloop is installed, too.
sums() { find "$outside" -type f -exec cksum {} + | sort; }
unchanged() { expect "what is outside of DESTDIR" "$was" "$(sums)"; }
mkdir -p "$outside/modules/$(uname -r)/updates" "$outside/modprobe.d"
echo another | tee "$outside/modules/$(uname -r)/updates/rloop.ko" >"$outside/modprobe.d/rloop.conf"
was=$(sums)
# What depmod would change is outside, too.
mkdir "$tmp/bin"
printf '#!/bin/sh\necho depmod >>%s\n' "$outside/depmod" >"$tmp/bin/depmod"
chmod +x "$tmp/bin/depmod"
PATH=$tmp/bin:$PATH

run
there=${outside#/}
conf="644 $there/modprobe.d/rloop.conf"
expect "files" "$conf 644 $there/modules/$(uname -r)/updates/rloop.ko" "$(files)"
cmp "$RLOOP" "$tmp/root$outside/modules/$(uname -r)/updates/rloop.ko"
unchanged
[[ ! -e /etc/modprobe.d/rloop.conf ]] || fail "something is outside of DESTDIR"

# The file for modprobe stays as long as any kernel has rloop.
mkdir -p "$tmp/root$outside/modules/9.9/updates"
touch "$tmp/root$outside/modules/9.9/updates/rloop.ko"
run --uninstall
expect "files" "$conf 644 $there/modules/9.9/updates/rloop.ko" "$(files)"
rm "$tmp/root$outside/modules/9.9/updates/rloop.ko"
run --uninstall
expect "files" "" "$(files)"
unchanged

# Without a module to say which, it goes from all kernels.
rm -r "$tmp/root"
(umask 077 && run)
expect "files" "$conf 644 $there/modules/$(uname -r)/updates/rloop.ko" "$(files)"
expect "directories that others cannot read" "" "$(find "$tmp/root" -type d ! -perm -755)"
mkdir -p "$tmp/root$outside/modules/9.9/updates"
touch "$tmp/root$outside/modules/9.9/updates/rloop.ko"
run_all --uninstall
expect "files" "" "$(files)"
unchanged

expect_failure "$install" --module "$tmp/none"
