# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the stress, fault and fuzz tests, on top of test_common.sh. To be sourced.
#
#   STRESS  how many times the usual amount of work, default 1
#   SEED    of everything random, default: another one each time; it is printed

# shellcheck source=selftests/test_common.sh
source "$(dirname "${BASH_SOURCE[0]}")/test_common.sh"

SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
log "SEED=$SEED"
# scaled N: N times STRESS
scaled() { awk "BEGIN { printf \"%d\n\", $1 * ${STRESS:-1} }"; }

# module_name: of the driver under test.
module_name() { if under_test_is_c; then echo loop; else echo "$module"; fi; }
load() {
	local parameters=()
	# Else it would be that of the C driver beside it.
	[[ $LOOP == loop ]] || parameters=("name=$LOOP")
	if [[ $1 == loop ]]; then modprobe loop; else insmod "$RLOOP" "${parameters[@]}"; fi
	settle
}
# detach_all: the highest first, as what lies on another device mostly has a
# higher number.
detach_all() {
	local dev i
	for ((i = 0; i < 100; i++)); do
		[[ -n $(attached_devices) ]] || return 0
		for dev in $(attached_devices | sort -rV); do
			losetup -d "$dev" 2>/dev/null || true
		done
		sleep 0.05
	done
	log "still attached: $(attached_devices | paste -sd' ')"
	attached_devices | xargs -r fuser -v >&2
	# Not `fail', as this is for the clean-up, too.
	return 1
}
device_numbers() {
	local dev
	for dev in /sys/block/"$LOOP"[0-9]*; do
		[[ ! -e $dev ]] || echo "${dev##*"$LOOP"}"
	done
}
devices_at_start=$(device_numbers)
# restore_devices: those that there were when the test began.
restore_devices() {
	local number
	for number in $(device_numbers); do
		grep -qx "$number" <<<"$devices_at_start" ||
			loopctl "$(control)" ctl_remove "$number" >/dev/null || true
	done
	for number in $devices_at_start; do
		[[ -e /sys/block/$LOOP$number ]] ||
			loopctl "$(control)" ctl_add "$number" >/dev/null || true
	done
}
unreferenced() { [[ $(cat "/sys/module/$1/refcnt") == 0 ]]; }
# clean_unload: nothing is attached any more, nothing holds the module, and it
# can be unloaded and loaded again.
clean_unload() {
	local name
	name=$(module_name)
	# udev has a lot to do after a stress test, and is slow when emulated.
	settle || fail "udev does not come to an end"
	[[ -z $(attached_devices) ]] || fail "attached at the end: $(attached_devices | paste -sd' ')"
	eventually unreferenced "$name"
	# udev may look at a device that was written to after all.
	eventually rmmod "$name"
	load "$name"
	[[ -c $(control) ]] || fail "no $(control) after loading again"
}
# without_udev: no daemon that looks at each device; what happens meanwhile is
# not told to it later either.
without_udev() {
	local pid i
	on_exit start_udev
	settle
	udevadm control --exit
	for ((i = 0; i < 300; i++)); do
		! no_udev || return 0
		sleep 0.1
	done
	# It ends when its workers have. Where they are if they do not:
	for pid in $(pgrep 'udevd|udev-worker'); do
		log "$(tr '\0' ' ' <"/proc/$pid/cmdline") $(grep State "/proc/$pid/status")"
		log "$(cat "/proc/$pid/stack" 2>/dev/null)"
	done
	# Who cannot even be killed hangs in the kernel.
	pkill -KILL 'udevd|udev-worker' || true
	eventually no_udev
}
# A process that has ended is none, though nobody may have taken note of it.
no_udev() { ! pgrep -x -r DIRSTt 'systemd-udevd|udevd' >/dev/null; }
start_udev() {
	no_udev || return 0
	/usr/lib/systemd/systemd-udevd --daemon --resolve-names=never >/dev/null 2>&1
	udevadm control --ping
}
# in_flight DEVICE
in_flight() {
	local reads writes
	read -r reads writes <"/sys/block/${1##*/}/inflight"
	[[ $((reads + writes)) -gt 0 ]]
}
# writes_done DEVICE: how many writes have completed.
writes_done() { awk '{ print $5 }' "/sys/block/$(name_of "$1")/stat"; }
# one_worker: for each of the driver's workqueues, as if there were no memory for others; until it is
# loaded again.
one_worker() {
	local queue
	for queue in /sys/bus/workqueue/devices/rloop*; do
		echo 1 >"$queue/max_active"
		log "$(basename "$queue"): $(<"$queue/max_active")"
	done
}
ended() { [[ ! -e /proc/$1 ]]; }
# stick DEVICE DIR: has an ioctl of a device whose file is in DIR wait for its writes, until `fsfreeze
# -u DIR'. Its result will be in $tmp/moved. The device is open as descriptor 3.
stick() {
	# A dirty page of the device, which a new offset has to write first.
	exec 3<>"$1"
	printf x >&3
	fsfreeze -f "$2"
	on_exit fsfreeze -u "$2"
	loopctl "$1" set_status64 offset=4096 >"$tmp/moved" &
	stuck_ioctl=$!
	eventually in_flight "$1"
}
# unstick DIR: and it has to succeed.
unstick() {
	[[ ! -s $tmp/moved ]] || fail "nothing was waited for"
	fsfreeze -u "$1"
	wait "$stuck_ioctl"
	expect "set_status64" 0 "$(<"$tmp/moved")"
	exec 3>&-
}
# stop PID: kills a child, and waits for it.
stop() {
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}
# stop_at_exit PID
stop_at_exit() { on_exit kill -KILL "$1"; }
# require_controllers NAME…: for new cgroups; undone at the end.
require_controllers() {
	local name root=/sys/fs/cgroup
	[[ -e $root/cgroup.controllers ]] || skip "no cgroup2"
	for name in "$@"; do
		grep -qw "$name" "$root/cgroup.controllers" || skip "no $name controller"
		! grep -qw "$name" "$root/cgroup.subtree_control" || continue
		echo "+$name" >"$root/cgroup.subtree_control"
		on_exit bash -c "echo -$name >$root/cgroup.subtree_control"
	done
}
# new_cgroup NAME [FILE=VALUE…]: prints its directory.
new_cgroup() {
	local dir=/sys/fs/cgroup/$TID-$1-$$ pair
	shift
	[[ -e /sys/fs/cgroup/cgroup.controllers ]] || skip "no cgroup2"
	mkdir "$dir"
	on_exit remove_cgroup "$dir"
	for pair in "$@"; do
		[[ -e $dir/${pair%%=*} ]] || skip "no ${pair%%=*} in control groups"
		echo "${pair#*=}" >"$dir/${pair%%=*}"
	done
	echo "$dir"
}
remove_cgroup() {
	local i
	[[ -d $1 ]] || return 0
	echo 0 >"$1/cgroup.freeze"
	echo 1 >"$1/cgroup.kill"
	for ((i = 0; i < 100; i++)); do
		! rmdir "$1" || return 0
		sleep 0.1
	done
}
# in_cgroup DIRECTORY COMMAND…
in_cgroup() {
	local dir=$1
	shift
	bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' in_cgroup "$dir" "$@"
}
# require_fault_injection [NAME…]: and sets those of debugfs (failslab) so that
# any allocation may fail. The messages would be too many.
require_fault_injection() {
	local name dir=/sys/kernel/debug file
	[[ -e /proc/self/fail-nth ]] || skip "the kernel has no CONFIG_FAULT_INJECTION"
	for name in "$@"; do
		[[ -d $dir/$name ]] || skip "the kernel has no $name"
		for file in verbose=0 ignore-gfp-wait=N ignore-gfp-highmem=N min-order=0; do
			[[ -e $dir/$name/${file%%=*} ]] || continue
			on_exit bash -c "echo $(<"$dir/$name/${file%%=*}") >$dir/$name/${file%%=*}"
			echo "${file#*=}" >"$dir/$name/${file%%=*}"
		done
	done
}
# require_stack_filter: faults can be had for those only who have something in their backtrace.
require_stack_filter() {
	require_fault_injection failslab fail_page_alloc
	[[ -e /sys/kernel/debug/failslab/require-start ]] ||
		skip "no CONFIG_FAULT_INJECTION_STACKTRACE_FILTER"
	on_exit set_faults probability=0 times=1 stacktrace-depth=0 require-start=0 \
		require-end=0xffffffffffffffff reject-start=0 reject-end=0
}
# set_faults ATTRIBUTE=VALUE…: of both kinds of allocations.
set_faults() {
	local name pair
	for name in failslab fail_page_alloc; do
		for pair in "$@"; do
			echo "${pair#*=}" >"/sys/kernel/debug/$name/${pair%%=*}"
		done
	done
}
# fail_nth [OPTION…] OPERATION [FILE [OTHER]]
fail_nth() {
	local options=()
	while [[ $1 == --* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	failnth "${options[@]}" "$LOOP" "$@" >&2 || fail "failnth $*"
}
# fail_some N OPERATION [FILE]: every Nth place of what has hundreds, beginning with a random one; all
# of them with STRESS=2.
fail_some() {
	local step=$1
	shift
	[[ $(scaled 10) -le 10 ]] || step=1
	fail_nth --first $((1 + SEED % step)) --step "$step" "$@"
}
# require_freezer SECONDS [ELSE]: for freeze_all, which stops everything that long; skips, and says what
# was tested ELSE, where the kernel has no such test.
require_freezer() {
	local delay=/sys/module/suspend/parameters/pm_test_delay
	[[ -w /sys/power/pm_test && -s /sys/power/state ]] ||
		skip "no suspend test in this kernel (CONFIG_PM_DEBUG)${2:+; $2}"
	[[ ! -e $delay ]] || {
		on_exit bash -c "echo $(<"$delay") >$delay"
		echo "$1" >"$delay"
	}
	on_exit bash -c "echo none >/sys/power/pm_test"
	echo freezer >/sys/power/pm_test
}
freeze_all() {
	local states
	states=$(</sys/power/state)
	echo "${states%% *}" >/sys/power/state || fail "the freezer failed"
}
