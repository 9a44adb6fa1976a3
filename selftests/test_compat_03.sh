#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# P10: each ioctl by the kernel's 32-bit entry does what it does for 64-bit callers, and
# asks for the same permission. (The C driver of 7.2 lets everybody set the status.)
# shellcheck source=selftests/test_common.sh
source "$(dirname "$0")/test_common.sh"

require_tool setpriv
ctl() { loopctl --compat "$@"; }
dir=$(make_backing ext4 16)
pattern 1048576 1 >"$dir/image"
pattern 1048576 2 >"$dir/other"
dev=$(free_device)
status=0
ctl "$dev" get_status >"$tmp/output" || status=$?
[[ $status -ne 4 ]] || skip "the kernel has no 32-bit entry"
detach_at_exit "$dev"
expect_error ENXIO ctl "$dev" get_status
expect "configure" 0 "$(ctl "$dev" configure "$dir/image" offset=4096 sizelimit=65536 name=first)"
expect "size" 65536 "$(size_of "$dev")"
expect "get_status64" "4096 65536 first" \
	"$(ctl "$dev" get_status64 | sed -n 's/^\(offset\|sizelimit\|name\)=//p' | xargs)"
expect "set_status64" 0 "$(ctl "$dev" set_status64 offset=8192 sizelimit=0)"
expect "size" $((1048576 - 8192)) "$(size_of "$dev")"
expect "get_status" "8192 0 first" \
	"$(ctl "$dev" get_status | sed -n 's/^\(offset\|flags\|name\)=//p' | xargs)"
expect "set_status" 0 "$(ctl "$dev" set_status offset=512 name=second)"
expect "offset and name" "512 second" \
	"$(loopctl "$dev" get_status64 | sed -n 's/^\(offset\|name\)=//p' | xargs)"
expect "set_block_size" 0 "$(ctl "$dev" set_block_size 1024)"
expect "logical block size" 1024 "$(limit "$dev" logical_block_size)"
expect "set_status" 0 "$(ctl "$dev" set_status offset=0)"
expect "set_direct_io" 0 "$(ctl "$dev" set_direct_io 1)"
expect "dio" 1 "$(attribute "$dev" dio)"
truncate -s 2M "$dir/image"
expect "set_capacity" 0 "$(ctl "$dev" set_capacity)"
expect "size" 2097152 "$(size_of "$dev")"
expect_error EFAULT ctl "$dev" set_status64 null
expect_error EINVAL ctl "$dev" get_status64 null
expect_error ENOTTY ctl "$dev" raw 0x4c0b 0
expect "clr_fd" 0 "$(ctl "$dev" clr_fd)"
eventually is_detached "$dev"
settle

truncate -s 1M "$dir/image"
expect "set_fd" 0 "$(ctl "$dev" set_fd "$dir/image:ro")"
expect "change_fd" 0 "$(ctl "$dev" change_fd "$dir/other:ro")"
expect "backing_file" "$dir/other" "$(attribute "$dev" backing_file)"
settle

# Who may only read it.
chmod 755 "$tmp"
chmod 644 "$dev"
on_exit chmod 660 "$dev"
cp "$(command -v loopctl)" "$tmp/loopctl"
nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/loopctl" --compat "$dev:ro" "$@"
}
under_test_is_c || expect_error EPERM nobody set_status offset=4096
expect_error EPERM nobody set_status64 offset=4096
expect_error EPERM nobody set_capacity
expect_error EPERM nobody set_direct_io 1
expect_error EPERM nobody set_block_size 4096
expect "offset" "offset=0" "$(nobody get_status | grep offset)"
expect "number" "number=${dev#/dev/"$LOOP"}" "$(nobody get_status64 | head -n 1)"

node=$(control)
expect "ctl_add" 78 "$(ctl "$node" ctl_add 78)"
on_exit loopctl "$node" ctl_remove 78
settle
expect_error EEXIST ctl "$node" ctl_add 78
expect "ctl_get_free" "$(loopctl "$node" ctl_get_free)" "$(ctl "$node" ctl_get_free)"
expect "ctl_remove" 0 "$(ctl "$node" ctl_remove 78)"
expect_error ENODEV ctl "$node" ctl_remove 78
expect_error EINVAL ctl "$node" ctl_remove -1
