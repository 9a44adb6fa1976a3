# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0
# What all scripts share: messages, the cache, privileges, locks. Sourced only.

# What is made as root, in the build root too, is for others to read.
umask 022

rloop_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
rloop_scripts=$rloop_dir/scripts
rloop_prog=$(basename "$0")

say() { printf '%s: %s\n' "$rloop_prog" "$*" >&2; }
die() {
	say "$*"
	exit 1
}
usage_error() {
	say "$*; see --help"
	exit 2
}

# absolute VARIABLE FILE: sets it to the file's path without links, be there one or not.
absolute() {
	printf -v "$1" '%s' "$(realpath -m -- "$2")"
}

# The invoking user: the one behind sudo, if any, unless the repository is root's
# own. Whatever lands in the cache or in build/ belongs to that user.
if [[ $EUID -eq 0 && -n ${SUDO_UID-} && $(stat -c %u "$rloop_dir") -ne 0 ]]; then
	owner_uid=$SUDO_UID
	owner_gid=${SUDO_GID-$SUDO_UID}
	owner_home=$(getent passwd "$SUDO_UID" | cut -d: -f6)
else
	owner_uid=$(id -u)
	owner_gid=$(id -g)
	owner_home=${HOME:-$(getent passwd "$owner_uid" | cut -d: -f6)}
	# `sudo -E' keeps the user's.
	[[ $EUID -ne 0 || -z ${SUDO_UID-} ]] || owner_home=$(getent passwd 0 | cut -d: -f6)
fi

rloop_cache=${XDG_CACHE_HOME:-$owner_home/.cache}/rloop

# Where downloads go through, if set; sudo drops it.
rloop_proxies=(http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY)

# as_owner CMD…: CMD as the invoking user. as_root CMD…: CMD as root.
as_owner() {
	if [[ $EUID -eq $owner_uid ]]; then
		"$@"
	else
		setpriv --reuid="$owner_uid" --regid="$owner_gid" --clear-groups -- "$@"
	fi
}
as_root() {
	local name proxies=()
	if [[ $EUID -eq 0 ]]; then
		"$@"
	elif command -v sudo >/dev/null; then
		for name in "${rloop_proxies[@]}"; do
			[[ -z ${!name-} ]] || proxies+=("$name=${!name}")
		done
		sudo -- ${proxies:+env "${proxies[@]}"} "$@"
	else
		die "this needs root, and there is no sudo here: run it as root"
	fi
}

# Makes directories that belong to the invoking user, parents included.
make_dir() { as_owner mkdir -p -- "$@"; }

# What root wrote below DIR… goes to the invoking user.
give_back() {
	[[ $EUID -eq $owner_uid ]] || chown -Rh "$owner_uid:$owner_gid" -- "$@"
}

# content_key WORD…: a short name for everything given.
content_key() { printf '%s\n' "$@" | sha256sum | cut -c1-12; }

# What a command begins with that has to end however the script does, as it has its locks
# open. (Not a function: in a pipe that would be run by a shell of its own.)
# shellcheck disable=SC2034
tied=(setpriv --pdeathsig TERM --)

# provision_kernel KERNEL [OPTION…]: prints the folder of a kernel that is not the user's
# own, which is made if it is missing.
provision_kernel() {
	local kernel=$1
	shift
	case $kernel in
	stock) "$rloop_scripts/kernel" "$@" ;;
	debug) "$rloop_scripts/debug-kernel" "$@" ;;
	kcsan) "$rloop_scripts/debug-kernel" --kcsan "$@" ;;
	*) usage_error "--kernel: there is no '$kernel'" ;;
	esac
}

# take_lock NAME: waits until no other run works on NAME, or, if that is an absolute
# path, in that directory; held until exit, and not to be taken again by a script
# called meanwhile. Children that outlive the script must be started with 9>&-, or by
# "${tied[@]}".
take_lock() {
	local lock=$1 status=0 fd holders=
	if [[ $lock != /* ]]; then
		lock=$rloop_cache/locks/$1
		make_dir "$rloop_cache/locks"
		as_owner touch "$lock"
	fi
	exec 9<"$lock"
	flock -E 75 -w 3 9 || status=$?
	case $status in
	0) return 0 ;;
	75) ;;
	*)
		say "no lock on $lock (see above): no two runs may work on it at once"
		return 0
		;;
	esac
	for fd in /proc/[0-9]*/fd/9; do
		[[ ! $fd -ef $lock || $fd == "/proc/$$/"* ]] || holders+=" $(cut -d/ -f3 <<<"$fd")"
	done
	say "waiting for another run that works on $1 (processes${holders:- of another user})"
	flock -w 7200 9 || die "two hours later $lock is still locked"
}

# step TEXT CMD…: runs CMD with its output in a log file; tells the time it
# takes while it runs; shows the end of the log if it fails.
step() {
	local text=$1 log status start=$SECONDS ticker
	shift
	make_dir "$rloop_cache/logs"
	log=$rloop_cache/logs/$rloop_prog.$$.log
	say "$text …"
	(
		trap 'kill "$!"; exit' TERM
		# It ignores interrupts, and must not outlive the script.
		told=$start
		while kill -0 "$$" 2>/dev/null; do
			sleep 1 >/dev/null 2>&1 &
			wait "$!"
			((SECONDS - told >= 20)) || continue
			told=$SECONDS
			say "$text … $((SECONDS - start)) s"
		done
	) >/dev/null 9>&- &
	ticker=$!
	# Not with `||', which would switch errexit off in CMD if that is a function.
	set +e
	(set -e; "$@") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	if [[ $status -ne 0 ]]; then
		tail -n 40 "$log" >&2
		say "$text: failed after $((SECONDS - start)) s with status $status (all of it: $log)"
		return "$status"
	fi
	rm -f -- "$log"
	say "$text: $((SECONDS - start)) s"
}

# debian_root VARIANT SUITE DIR PACKAGE…: a new Debian system in DIR, without
# what nobody reads in it.
debian_root() {
	local variant=$1 suite=$2 dir=$3 include
	shift 3
	include=$(IFS=, && printf '%s' "$*")
	as_root mmdebstrap --quiet --mode=root --variant="$variant" --include="$include" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		"$suite" "$dir" ${RLOOP_DEBIAN_MIRROR:+"$RLOOP_DEBIAN_MIRROR"}
}

# Removes what root made.
trash() { as_root rm -rf --one-file-system -- "$@"; }

# How many times as long as on the stock kernel a debug kernel may take.
debug_scale=4
