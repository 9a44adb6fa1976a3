# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests of queues and workers, on top of stress_common.sh. To be sourced.

# shellcheck source=selftests/stress_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/stress_common.sh"

# load_with PARAMETER…: rloop with these; undone at the end.
load_with() {
	on_exit restore_module
	settle
	eventually rmmod "$module"
	insmod "$RLOOP" "$@"
	settle
}
# reads_while PID FILE DEVICE START SPAN: reads 4 KiB at random places in that
# part of the device, one after the other, until the process has ended; fdio's
# lines go to FILE.
reads_while() {
	local pid=$1 file=$2 dev=$3 start=$4 blocks=$(($5 / 4096)) i operations
	: >"$file"
	while kill -0 "$pid" 2>/dev/null; do
		operations=()
		for ((i = 0; i < 16; i++)); do
			operations+=("pread:$((start + (RANDOM * 32768 + RANDOM) % blocks * 4096)):4096")
		done
		fdio "$dev:ro,direct" "${operations[@]}" >>"$file"
	done
	expect "reads that failed" 0 "$(awk '$4 != 4096' "$file" | wc -l)"
	[[ $(wc -l <"$file") -ge 16 ]] || fail "only $(wc -l <"$file") reads"
}
# shortest, longest OPERATION FILE…: of fdio's lines, in nanoseconds.
shortest() { durations "$@" | sed -n 1p; }
longest() { durations "$@" | tail -n 1; }
durations() {
	local operation=$1
	shift
	awk -v "operation=$operation" '$3 ~ "^" operation { printf "%d\n", $2 - $1 }' "$@" | sort -n
}
# percentile P OPERATION FILE…: of how long they took, in nanoseconds: P percent took no longer.
percentile() {
	durations "${@:2}" | awk -v "p=$1" '
		{ all[NR] = $1 }
		END { print all[int((NR * p + 99) / 100)] }'
}
# longer_than NANOSECONDS FILE: how many of fdio's operations took longer.
longer_than() { awk -v "limit=$1" '$2 - $1 > limit' "$2" | wc -l; }
# require_cachestat: what the next two need.
require_cachestat() {
	local said
	: >"$tmp/cached"
	said=$(cached "$tmp/cached" 2>&1) || {
		[[ $said == *'not implemented'* ]] || fail "cached: $said"
		skip "the kernel has no cachestat()"
	}
}
# cached_bytes, dirty_pages FILE: of it in the page cache.
cached_bytes() { cached "$1" | awk '{ print $1 * 4096 }'; }
dirty_pages() { cached "$1" | cut -d' ' -f2; }
# nanoseconds COMMAND…: how long it takes.
nanoseconds() {
	local start
	start=$(date +%s%N)
	"$@" >&2
	echo $(($(date +%s%N) - start))
}
# passes_at_last DISK WHY: the function `passes' does, in one of four tries at most, with a DISK that
# is twice as slow each time, by what `table' prints and $delay, as the machine may be busy.
passes_at_last() {
	local try
	for try in 1 2 3 4; do
		if passes; then return 0; fi
		[[ $try -lt 4 ]] || fail "$2"
		delay=$((delay * 2))
		dm_switch "$1" "$(table)"
	done
}
