#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: allocations below the driver's workers fail at random during I/O, discards and zeroing
# included: each request has a result, what succeeded is right, and afterwards all succeeds.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_stack_filter
name=$(module_name)
start=$(<"/sys/module/$name/sections/.text")
size=$(awk -v name="$name" '$1 == name { print $2 }' /proc/modules)
most=1000000000
# Those that have the module in their backtrace.
set_faults "require-start=$start" "require-end=$(printf '0x%x' $((start + size)))" \
	stacktrace-depth=32 "times=$most" interval=1
# faults KIND PERCENT: so many of the allocations of one kind.
faults() { echo "$2" >"/sys/kernel/debug/$1/probability"; }
# failed KIND: how many of them have failed.
failed() { echo $((most - $(<"/sys/kernel/debug/$1/times"))); }
# Discards or zeroes each block in a random order and prints 'BLOCK ERRNO' for those where that
# fails; then, without faults, what is there now: zeroes, or, but for a zeroing that succeeded,
# what was there before.
cat >"$tmp/clear.py" <<'PYTHON'
import errno, fcntl, mmap, os, random, struct, sys

device, count, seed, switch, *kinds = sys.argv[1:]
chance = random.Random(int(seed))
ioctls = {"discard": 0x1277, "zero": 0x127F}
fd = os.open(device, os.O_RDWR | os.O_DIRECT)
memory = mmap.mmap(-1, 4096)


def read(block):
    os.preadv(fd, [memory], block * 4096)
    return bytes(memory)


def set_probability(value):
    with open(switch, "w", encoding="ascii") as file:
        file.write(value)


blocks = list(range(int(count)))
# To write zeroes into a hole takes a page.
if "discard" in kinds:
    fcntl.ioctl(fd, ioctls["discard"], struct.pack("<QQ", 0, len(blocks) // 2 * 4096))
before = [read(block) for block in blocks]
chance.shuffle(blocks)
zeroed = set()
# What fails is tried once more by the driver.
set_probability("50")
for block in blocks:
    kind = chance.choice(kinds)
    try:
        fcntl.ioctl(fd, ioctls[kind], struct.pack("<QQ", block * 4096, 4096))
        if kind == "zero":
            zeroed.add(block)
    except OSError as error:
        print(block, errno.errorcode[error.errno])
set_probability("0")
for block in blocks:
    now = read(block)
    for at in range(0, 4096, 512):
        part = now[at : at + 512]
        if any(part) and (block in zeroed or part != before[block][at : at + 512]):
            sys.exit(f"block {block} has something else")
PYTHON
clean='^([0-9]+|fsync) (ENOMEM|EIO)$'
body() {
	local mode=$1 file=$2 dev which errors kinds=(zero)
	dev=$(attach_mode "$mode" "$file")
	[[ $(limit "$dev" discard_max_bytes) -eq 0 ]] || kinds+=(discard)
	for which in failslab fail_page_alloc; do
		drop_caches
		faults "$which" 20
		scan "$dev:direct" write --count 1024 --seed "$SEED" --passes "$(scaled 2)" --fsync \
			--state "$tmp/state" >"$tmp/errors"
		scan "$dev:direct" read --count 1024 --state "$tmp/state" >>"$tmp/errors" ||
			fail "wrong data: $(grep differs "$tmp/errors" | head)"
		faults "$which" 0
		fdio "$dev" fsync >/dev/null
		scan "$dev:direct" write --count 256 --seed 76 --fsync >"$tmp/cleared"
		expect "errors of writes without faults" '' "$(<"$tmp/cleared")"
		# It switches them on itself.
		python3 "$tmp/clear.py" "$dev" 256 "$SEED" "/sys/kernel/debug/$which/probability" "${kinds[@]}" \
			>"$tmp/cleared" || fail "after ${kinds[*]}: wrong data"
		log "$mode on $file, $which, ${kinds[*]}: $(wc -l <"$tmp/cleared") of 256 failed"
		[[ $which == failslab || $file != "$dir/image" || -s $tmp/cleared ]] ||
			fail "no zeroing wanted memory"
		cat "$tmp/cleared" >>"$tmp/errors"
		errors=$(grep -vcE "$clean" "$tmp/errors" || true)
		log "$mode on $file, $which: $(cut -d' ' -f2 "$tmp/errors" | sort | uniq -c | paste -sd' ')"
		[[ $errors -eq 0 ]] || fail "other errors: $(grep -vE "$clean" "$tmp/errors" | head)"
		# What was lost was told: one flush may still have to say so.
		fdio "$dev" fsync >/dev/null
		scan "$dev:direct" write --count 1024 --seed 77 --fsync --state "$tmp/state" >"$tmp/errors"
		scan "$dev:direct" read --count 1024 --state "$tmp/state" >>"$tmp/errors"
		expect "errors afterwards" '' "$(<"$tmp/errors")"
	done
	detach "$dev"
	rm "$tmp/state"
}
# No ext4: 7.2's own code ends in a BUG() when allocations fail under it.
dir=$(make_backing tmpfs 24)
truncate -s 4M "$dir/image"
each_mode body "$dir/image"
umount "$dir"
each_mode body "$(ram_disk 16)"
for which in failslab fail_page_alloc; do
	# Who never asks for memory cannot be refused any.
	note "$which: $(failed "$which") allocations failed"
	[[ $(failed "$which") -gt 0 ]] || fail "$which has had nothing to refuse"
done
clean_unload
