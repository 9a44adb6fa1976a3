#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P9: whoever's memory cgroup is full, and has nothing that could be taken from it, reads,
# writes and zeroes what is not in the page cache without errors, and the data is right.
# shellcheck source=selftests/stress_common.sh
source "$(dirname "$0")/stress_common.sh"

require_controllers memory io
[[ $(wc -l </proc/swaps) -le 1 ]] || skip "anonymous memory could be swapped out"
dir=$(make_backing ext4 16)
dev_size=4194304
pattern $dev_size >"$tmp/data"
cp "$tmp/data" "$dir/image"
dev=$(attach_mode buffered "$dir/image")
group=$(new_cgroup full)
# The kernel tells each time at length that it finds nobody to kill.
on_exit sysctl -q "vm.oom_dump_tasks=$(</proc/sys/vm/oom_dump_tasks)"
echo 0 >/proc/sys/vm/oom_dump_tasks
drop_caches
# All that this process needs it has before its group is full: it is not to be killed, so a
# page fault would never end.
cat >"$tmp/full.py" <<'PYTHON'
import ctypes, errno, fcntl, mmap, os, struct, sys

device, limit, current, data = sys.argv[1:]
BLKZEROOUT = 0x127F
BLOCK, APART, COUNT = 4096, 131072, 6
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("-1000")
fd = os.open(device, os.O_RDWR | os.O_DIRECT)
limit = os.open(limit, os.O_WRONLY)
current = os.open(current, os.O_RDONLY)
with open(data, "rb") as file:
    data = file.read()
memory = mmap.mmap(-1, 24 << 20, mmap.MAP_PRIVATE)
memory[:] = b"\1" * len(memory)
buffer = mmap.mmap(-1, BLOCK)
# What is done: name, place, result, what should be there. One of each kind, in turn.
plan = []
for i in range(COUNT):
    plan.append(["read", 3 * i * APART, None, data[3 * i * APART :][:BLOCK]])
    plan.append(["write", (3 * i + 1) * APART, None, bytes([i + 65]) * BLOCK])
    # Neither of its ends is that of a page.
    at = (3 * i + 2) * APART + 512
    plan.append(["zero", at, None, struct.pack("QQ", at, 1024)])


def do(what, at, wanted):
    try:
        if what == "read":
            if os.preadv(fd, [buffer], at) != BLOCK or buffer[:] != wanted:
                return "differs"
        elif what == "write":
            buffer[:] = wanted
            if os.pwritev(fd, [buffer], at) != BLOCK:
                return "short"
        else:
            fcntl.ioctl(fd, BLKZEROOUT, wanted)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"


# Once each, and one that fails, elsewhere.
last = 3 * COUNT * APART
do("read", last, data[last:][:BLOCK])
do("write", last, data[last:][:BLOCK])
do("zero", last, struct.pack("QQ", last, BLOCK))
do("write", 1, bytes(BLOCK))
used = os.pread(current, 32, 0)
if ctypes.CDLL(None, use_errno=True).mlockall(1):
    sys.exit("mlockall")
os.pwrite(limit, b"4M", 0)
for step in plan:
    step[2] = do(step[0], step[1], step[3])
used = os.pread(current, 32, 0)
os.pwrite(limit, b"max", 0)
print("used", int(used))
for what, at, result, _ in plan:
    print(what, at, result)
PYTHON
in_cgroup "$group" python3 "$tmp/full.py" "$dev" "$group/memory.max" "$group/memory.current" \
	"$tmp/data" >"$tmp/results"
log "memory.events: $(paste -sd' ' "$group/memory.events")"
used=$(sed -n 's/^used //p' "$tmp/results")
[[ $used -gt 4194304 ]] || fail "the cgroup was not full: it had $used bytes"
expect "what failed in the full cgroup" '' \
	"$(grep -v -e '^used ' -e ' done$' "$tmp/results" | paste -sd,)"
python3 - "$tmp/data" "$tmp/wanted" <<'PYTHON'
import sys

with open(sys.argv[1], "rb") as file:
    data = bytearray(file.read())
APART, COUNT = 131072, 6
for i in range(COUNT):
    at = (3 * i + 1) * APART
    data[at : at + 4096] = bytes([i + 65]) * 4096
    at = (3 * i + 2) * APART + 512
    data[at : at + 1024] = bytes(1024)
at = 3 * COUNT * APART
data[at : at + 4096] = bytes(4096)
with open(sys.argv[2], "wb") as file:
    file.write(data)
PYTHON
detach "$dev"
drop_caches
cmp "$dir/image" "$tmp/wanted" || fail "the data is not what was written"
umount "$dir"
clean_unload
