# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For all tests: devices, backing files, clean-up. To be sourced.
#
#   LOOP   prefix of the device nodes under test, default loop. The same body
#          runs against the C driver where that has the prefix.
#   RLOOP  the module's file, default /rloop/rloop.ko; its name is that of the
#          file.
#
# A test passes by coming to its end, fails by any command that fails or by
# `fail', and is skipped by `skip'.

set -eEuo pipefail
shopt -s inherit_errexit

LOOP=${LOOP:-loop}
RLOOP=${RLOOP:-/rloop/rloop.ko}
module=$(basename "$RLOOP" .ko)
export LC_ALL=C
# As the runner has it, for whoever runs a test without that.
if [[ ! -e /rloop/vm.conf && ${RLOOP_TEST_HOST-} != 1 ]]; then
	echo "SKIP: only in a virtual machine, or with RLOOP_TEST_HOST=1: it detaches loop devices and unloads the driver" >&2
	exit 4
fi
TID=$(basename "$0" .sh)
TID=${TID#test_}
PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd):$PATH
KSFT_SKIP=4

# To standard error: many functions are called for what they print.
log() { echo "$*" >&2; }
# note: shown by the runner even if the test passes.
note() { log "# note: $*"; }
fail() {
	log "FAIL: $*"
	exit 1
}
skip() {
	log "SKIP: $*"
	exit "$KSFT_SKIP"
}
kmsg() { echo "rloop-selftest: $*" >/dev/kmsg; }
require_tool() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}
# require_module NAME [PARAMETER…]: loads it, and unloads it at the end.
require_module() {
	[[ ! -d /sys/module/${1//-/_} ]] || return 0
	modprobe -n -q "$1" || skip "the kernel has no $1"
	modprobe "$@"
	on_exit unload_module "$1"
}
unload_module() { [[ ! -d /sys/module/${1//-/_} ]] || patiently modprobe -r "$1"; }

# --- Clean-up: a file of commands, run from its end. A file, because many
# functions here run in subshells.
[[ $EUID -eq 0 ]] || skip "not root"
tmp=$(mktemp -d "/tmp/$TID.XXXXXX")
on_exit() { printf '%s\n' "${*@Q}" >>"$tmp/on_exit"; }
finish() {
	local status=$? command
	trap - EXIT
	# A test that was told to end has to end all that it started.
	trap '' TERM
	set +eE
	trap - ERR
	cd / || true
	# What a test has open would be busy.
	exec 3<&- 4<&-
	if [[ -s $tmp/on_exit ]]; then
		while IFS= read -r command; do
			eval "$command" >/dev/null 2>&1 </dev/null
		done < <(tac "$tmp/on_exit")
	fi
	kmsg "end $TID: $status"
	rm -rf --one-file-system -- "$tmp"
	exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'log "${BASH_SOURCE[0]##*/}:$LINENO: status $?: $BASH_COMMAND"' ERR
kmsg "start $TID"

# expect WHAT WANTED GOT
expect() {
	[[ $2 == "$3" ]] || fail "$1 is '$3' instead of '$2'"
}
# expect_error ERRNO COMMAND…: COMMAND fails and its output is that name.
expect_error() {
	local wanted=$1 got
	shift
	if got=$("$@"); then
		fail "'$*' succeeds instead of failing with $wanted"
	fi
	[[ $got == "$wanted" ]] || fail "'$*' fails with '$got' instead of $wanted"
}
# expect_failure COMMAND…: as `!', which ERR and errexit do not see.
expect_failure() {
	if "$@" >"$tmp/output" 2>&1; then
		cat "$tmp/output"
		fail "'$*' succeeds"
	fi
}
# expect_silence COMMAND…: succeeds and has nothing to say, as `scan' if nothing failed.
expect_silence() {
	local got
	got=$("$@") || fail "'$*' fails: $got"
	expect "output of '$*'" '' "$got"
}
# eventually COMMAND…: becomes true within a minute: a guard, no deadline.
eventually() {
	local i
	for ((i = 0; i < 1200; i++)); do
		if "$@"; then
			return 0
		fi
		sleep 0.05
	done
	fail "never true: $*"
}
# patiently COMMAND…: until it succeeds, ten seconds at least, for the clean-up, where
# nothing may `fail': udev may still look at what is to go.
patiently() {
	local i
	for ((i = 0; i < 50; i++)); do
		! "$@" || return 0
		settle || true
		sleep 0.2
	done
	return 1
}
# kernel_log: what the kernel said since this test began.
kernel_log() {
	# To its end, or who writes would be told of a broken pipe.
	dmesg | awk -v start="rloop-selftest: start $TID\$" '
		$0 ~ start { n = 0 }
		{ line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }'
}
# log_budget: waits until the module has said nothing for so long that its rate
# limit (10 lines in 5 seconds) lets ten lines through.
log_budget() {
	local last
	while :; do
		last=$(dmesg | sed -n 's/^\[ *\([0-9]*\)\.[0-9]*\] '"$module"': .*/\1/p' | tail -n 1)
		[[ $(cut -d. -f1 /proc/uptime) -le $((${last:--9} + 6)) ]] || return 0
		sleep 0.5
	done
}
# expect_log WORD…: one line of the kernel log has all of the words. The C
# driver is not asked to be that clear.
expect_log() {
	local lines word
	! under_test_is_c || return 0
	lines=$(kernel_log | grep -v rloop-selftest: || true)
	for word in "$@"; do
		lines=$(grep -F -e "$word" <<<"$lines" || true)
	done
	[[ -n $lines ]] || fail "the kernel log has no line with: $*"
	[[ $(wc -l <<<"$lines") -eq 1 ]] || fail "more than one line with '$*': $lines"
	log "kernel log: $lines"
}

# --- Devices.
control() { echo "/dev/$LOOP-control"; }
# under_test_is_c: does the C driver have the prefix?
under_test_is_c() { [[ $LOOP == loop && -d /sys/module/loop ]]; }
# driver: which one is under test.
driver() { if under_test_is_c; then echo "C driver"; else echo "$module"; fi; }
name_of() { basename "$1"; }
# attribute DEVICE NAME: of /sys/block/DEVICE/loop
attribute() { cat "/sys/block/$(name_of "$1")/loop/$2"; }
limit() { cat "/sys/block/$(name_of "$1")/queue/$2"; }
size_of() { blockdev --getsize64 "$1"; }
is_attached() { [[ -e /sys/block/$(name_of "$1")/loop/backing_file ]]; }
is_detached() { ! is_attached "$1"; }
# reads_in_flight, writes_in_flight DEVICE: sets in_flight_now to how many. No process is
# started, as little time may be left to see them.
# shellcheck disable=SC2034
reads_in_flight() { read -r in_flight_now _ <"/sys/block/${1##*/}/inflight"; }
# shellcheck disable=SC2034
writes_in_flight() { read -r _ in_flight_now <"/sys/block/${1##*/}/inflight"; }
# is_writing DEVICE: the driver has accepted a write and not completed it.
is_writing() { writes_in_flight "$1" && [[ $in_flight_now -gt 0 ]]; }
attached_devices() {
	local file
	for file in /sys/block/"$LOOP"[0-9]*/loop/backing_file; do
		[[ -e $file ]] || continue
		file=${file#/sys/block/}
		echo "/dev/${file%%/*}"
	done
}
# has_autoload: does the kernel ask drivers when an unknown device number is opened
# (CONFIG_BLOCK_LEGACY_AUTOLOAD)?
has_autoload() { grep -qw blk_request_module /proc/kallsyms; }
# settle: udev looks at each new device; nobody but the test has it open then. The time is a
# guard, as that of `eventually'. udev was seen to drop a connection (`Broken pipe').
settle() { udevadm settle --timeout=300 || udevadm settle --timeout=300; }
# free_device: the node of an unbound device.
free_device() {
	local number
	number=$(loopctl "$(control)" ctl_get_free) || fail "ctl_get_free: $number"
	settle
	echo "/dev/$LOOP$number"
}
detach_at_exit() { on_exit detach_quietly "$1"; }
detach_quietly() {
	is_attached "$1" || return 0
	losetup -d "$1"
	settle
	is_detached "$1" || sleep 1
}
# attach FILE [OPTION…]: prints the node of a device with FILE; the options are
# losetup's.
attach() {
	local file=$1 dev
	shift
	dev=$(free_device)
	detach_at_exit "$dev"
	losetup "$@" "$dev" "$file"
	settle
	echo "$dev"
}
# detach DEVICE: and waits until it is.
detach() {
	losetup -d "$1"
	is_attached "$1" || return 0
	# Somebody else closes it last, and lets go of the file a moment after the device is
	# detached.
	eventually is_detached "$1"
	settle
}

# each_mode BODY [ARGUMENT…]: BODY MODE ARGUMENT… for both modes.
each_mode() {
	local mode
	for mode in buffered direct; do
		log "# $mode $*"
		"$1" "$mode" "${@:2}"
	done
}
# attach_mode MODE FILE [OPTION…]
attach_mode() {
	local mode=$1 dev wanted=0
	shift
	[[ $mode != direct ]] || wanted=1
	dev=$(attach "$@" "--direct-io=$([[ $mode == direct ]] && echo on || echo off)")
	expect "dio of $dev with $1" "$wanted" "$(attribute "$dev" dio)"
	echo "$dev"
}

# --- Backing.
# ram_disk SIZE_MIB [ATTRIBUTE=VALUE…]: prints the node of a null_blk in memory.
ram_disk() {
	local size=$1 config=/sys/kernel/config/nullb dir pair node
	shift
	require_module null_blk nr_devices=0
	[[ -d $config ]] || skip "no configfs"
	dir=$(mktemp -u "$config/${TID}XXXX")
	mkdir "$dir"
	on_exit rmdir "$dir"
	on_exit bash -c "echo 0 >$dir/power"
	for pair in memory_backed=1 "size=$size" blocksize=512 discard=1 "$@" power=1; do
		echo "${pair#*=}" >"$dir/${pair%%=*}"
	done
	node=/dev/nullb$(<"$dir/index")
	[[ -b $node ]] || node=/dev/$(basename "$dir")
	settle
	echo "$node"
}
# scsi_disk PARAMETER…: prints the node of a SCSI disk in memory, scsi_debug's.
scsi_disk() {
	require_module scsi_debug "$@"
	eventually scsi_disk_appeared
	settle
	echo "/dev/$(scsi_disk_name)"
}
scsi_disk_name() { grep -ls scsi_debug /sys/block/sd*/device/model | cut -d/ -f4; }
scsi_disk_appeared() { [[ -n $(scsi_disk_name || true) ]]; }
# free_ram_disks: all of this test's, which nobody uses any more.
free_ram_disks() {
	local dir
	for dir in /sys/kernel/config/nullb/"$TID"*/; do
		[[ -d $dir ]] || continue
		echo 0 >"$dir/power"
		rmdir "$dir"
	done
}
# dm NAME TABLE: prints the node of a device-mapper device.
dm() {
	local name=$TID-$1-$RANDOM
	dmsetup create "$name" --table "$2"
	on_exit dmsetup remove --retry "$name"
	settle
	echo "/dev/mapper/$name"
}
# dm_switch NODE TABLE: gives it another table, as in an instant.
dm_switch() {
	local name
	name=$(basename "$1")
	dmsetup suspend --noflush --nolockfs "$name"
	dmsetup load "$name" --table "$2"
	dmsetup resume "$name"
}
sectors_of() { blockdev --getsz "$1"; }
linear() { echo "0 $(sectors_of "$1") linear $1 0"; }
error_table() { echo "0 $(sectors_of "$1") error"; }
# slow_flush_table NODE MS: for dm; flushes take that long, reads and writes no time.
slow_flush_table() { echo "0 $(sectors_of "$1") delay $1 0 0 $1 0 0 $1 0 $2"; }
# slow_write_table NODE MS: for dm; writes and flushes take that long, reads no time.
slow_write_table() { echo "0 $(sectors_of "$1") delay $1 0 0 $1 0 $2"; }
# loss_table MODE NODE: with which the next sync of a device in that MODE finds a loss:
# buffered, pages cannot be written; direct, the disk, which has to have a cache, cannot
# be flushed.
loss_table() {
	if [[ $1 == direct ]]; then
		echo "0 $(sectors_of "$2") flakey $2 0 0 3600 1 error_writes"
	else
		error_table "$2"
	fi
}

# mount_overlay DIRECTORY MOUNTPOINT: of lower and upper in DIRECTORY, with work there; with clean-up.
mount_overlay() {
	mount_at "$2" -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" overlay
}
# mount_at DIRECTORY OPTION…: with clean-up.
mount_at() {
	local dir=$1
	shift
	mkdir -p "$dir"
	mount "$@" "$dir"
	on_exit umount "$dir"
}
# make_fs FS NODE
make_fs() {
	require_tool "mkfs.$1"
	case $1 in
	ext4) mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$2" ;;
	xfs) mkfs.xfs -q -f -K "$2" ;;
	btrfs) mkfs.btrfs -q -f -K "$2" ;;
	vfat) mkfs.vfat "$2" >/dev/null ;;
	*) fail "make_fs $1" ;;
	esac
}
# make_backing FS SIZE_MIB [ATTRIBUTE=VALUE…]: prints the directory of a fresh file system, on a
# `ram_disk' with these unless it is a tmpfs.
make_backing() {
	local fs=$1 size=$2 dir node
	dir=$(mktemp -d "$tmp/$fs.XXXXXX")
	case $fs in
	tmpfs)
		mount_at "$dir" -t tmpfs -o "size=${size}m" tmpfs
		;;
	ext4 | xfs | btrfs | vfat)
		require_module "$fs"
		# xfs and btrfs refuse to be small; what is not written takes no memory.
		case $fs in
		xfs) size=$((size < 320 ? 320 : size)) ;;
		btrfs) size=$((size < 256 ? 256 : size)) ;;
		esac
		node=$(ram_disk "$size" "${@:3}")
		make_fs "$fs" "$node"
		mount_at "$dir" -t "$fs" "$node"
		;;
	*) fail "make_backing $fs" ;;
	esac
	echo "$dir"
}
# pattern BYTES [SEED]: a reproducible stream of that many bytes.
pattern() {
	python3 -c '
import random, sys
r = random.Random(int(sys.argv[2]))
n = int(sys.argv[1])
while n > 0:
    k = min(n, 1 << 20)
    sys.stdout.buffer.write(r.randbytes(k))
    n -= k' "$1" "${2:-1}"
}
# fio_verify FILE [OPTION…]: random writes, then all is read and compared.
fio_verify() {
	require_tool fio
	fio --name=verify --filename="$1" --rw=randwrite --size=8M --bs=4k \
		--direct=1 --ioengine=libaio --iodepth=16 --verify=crc32c --do_verify=1 \
		--verify_fatal=1 --verify_state_save=0 --allow_file_create=0 --minimal \
		"${@:2}" >"$tmp/fio" 2>&1 || fail "fio: $(head -c 4000 "$tmp/fio")"
}
# steps I FILE OPERATION…: an fdio in the background that does the operations one
# at a time, each when `step I' says so. new_steps: forgets those there were.
new_steps() {
	stepping=$(mktemp -d "$tmp/steps.XXXXXX")
}
steps() {
	local i=$1 file=$2 operations=() number=0 what
	shift 2
	[[ -n ${stepping-} ]] || new_steps
	for what in "$@"; do
		operations+=("wait:$stepping/go$i.$number" "$what" "touch:$stepping/done$i.$number")
		number=$((number + 1))
	done
	fdio "$file" "touch:$stepping/done$i.open" "${operations[@]}" >"$stepping/output$i" &
	on_exit kill "$!"
	eventually test -e "$stepping/done$i.open"
}
# step I: does the next operation and prints its result.
step() {
	start_step "$1"
	end_step "$1"
}
# start_step I; end_step I: the same in two parts.
start_step() { touch "$stepping/go$1.$(steps_done "$1")"; }
end_step() {
	local number
	number=$(steps_done "$1")
	eventually test -e "$stepping/done$1.$number"
	echo >>"$stepping/count$1"
	lines_of_steps "$1" | sed -n "$((number + 1))p" | results
}
steps_done() { if [[ -e $stepping/count$1 ]]; then wc -l <"$stepping/count$1"; else echo 0; fi; }
# lines_of_steps I: fdio's lines of the operations that are done.
lines_of_steps() { grep -v -e ' wait:' -e ' touch:' "$stepping/output$1"; }
# rloop_file DEVICE NAME: of /sys/block/DEVICE/rloop; setting: its content; set_to
# DEVICE NAME VALUE.
rloop_file() { echo "/sys/block/$(name_of "$1")/rloop/$2"; }
setting() { cat "$(rloop_file "$1" "$2")"; }
set_to() { echo "$3" >"$(rloop_file "$1" "$2")"; }
# health DEVICE: in one line; suspect DEVICE: its ranges with commas in between.
health() { setting "$1" health | paste -sd' '; }
suspect() { setting "$1" suspect | paste -sd,; }
# lossy_device POLICY [MODE]: sets dev, a device with that error policy ('': the default),
# buffered if there is no MODE, on target, a device-mapper device on node: what lose_writes
# takes.
# shellcheck disable=SC2034
lossy_device() {
	require_module dm_mod
	require_module dm_flakey
	node=$(ram_disk 16 cache_size=4)
	target=$(dm target "$(linear "$node")")
	dev=$(attach_mode "${2:-buffered}" "$target")
	[[ -z $1 ]] || set_to "$dev" error_policy "$1"
}
# lose_writes DEVICE TARGET NODE OFFSET…: blocks of 4 KiB that are written to the
# DEVICE are lost, as its backing TARGET, a linear one on NODE, breaks for a moment.
# One descriptor writes and is told.
lose_writes() {
	local dev=$1 target=$2 node=$3 mode=buffered offset writes=()
	shift 3
	[[ $(attribute "$dev" dio) == 0 ]] || mode=direct
	for offset in "$@"; do writes+=("pwrite:$offset:4096:238"); done
	new_steps
	steps 0 "$dev:rw,direct" "${writes[0]}" fsync
	[[ $# -eq 1 ]] || fdio "$dev:rw,direct" "${writes[@]:1}" >/dev/null
	expect "write" 4096 "$(step 0)"
	# Whoever else has the device open is told, too.
	settle
	dm_switch "$target" "$(loss_table "$mode" "$node")"
	expect "fsync" EIO "$(step 0)"
	dm_switch "$target" "$(linear "$node")"
	wait
}
# results: the last field(s) of fdio's lines, in one line.
results() { cut -d' ' -f4- | paste -sd' '; }
# allocated FILE: bytes it occupies.
allocated() { echo $(($(stat -c '%b * %B' "$1"))); }
drop_caches() { sync && echo 3 >/proc/sys/vm/drop_caches; }

# --- Modules.
# with_c_loop BODY [ARGUMENT…]: first with the C driver, only for the log, then
# with the driver under test. For this rloop is loaded as loopr beside it. Where
# the C driver is all there is, it is the one under test.
with_c_loop() {
	if ! under_test_is_c; then
		load_side_by_side
		log "# with the C driver, for comparison:"
		set +e
		(
			set -e
			LOOP=loop
			"$@"
		)
		log "# status with the C driver: $?"
		set -e
		LOOP=loopr
		log "# with $module:"
	fi
	"$@"
}
# load_side_by_side: rloop as loopr, the C driver as loop; undone at the end.
load_side_by_side() {
	[[ -e $RLOOP ]] || skip "no $RLOOP"
	modprobe -n -q loop || skip "the kernel has no C driver"
	on_exit restore_module
	on_exit unload_module loop
	settle
	eventually rmmod "$module"
	insmod "$RLOOP" name=loopr
	modprobe loop
	settle
}
# restore_module: rloop with its default parameters.
restore_module() {
	[[ -e $RLOOP ]] || return 0
	settle || true
	[[ ! -d /sys/module/$module ]] || patiently rmmod "$module"
	insmod "$RLOOP"
	settle
}
