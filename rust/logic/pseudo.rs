// SPDX-License-Identifier: GPL-2.0

//! File systems whose files are views of the kernel's own state.
//!
//! Most of them show regular files, and let whoever opened one read and write
//! it as the kernel, whoever asks: to do that in somebody else's place is what
//! a loop device would do. None of them stores data.

/// Their numbers, as in `f_type` of `statfs(2)`, in ascending order.
const PSEUDO: &[u64] = &[
    0x1cd1,      // devpts
    0x9fa0,      // proc
    0x9fa2,      // usbdevfs
    0x0027_e0eb, // cgroup
    0x0765_5821, // resctrl
    0x0904_1934, // anonymous inodes
    0x1980_0202, // mqueue
    0x42494e4d,  // binfmt_misc
    0x43415d53,  // smackfs
    0x444d4142,  // dma-buf
    0x454d444d,  // /dev/mem
    0x474d454d,  // guest_memfd
    0x4e554c4c,  // nullfs
    0x50494446,  // pidfs
    0x50495045,  // pipes
    0x5345434d,  // memfd_secret
    0x534f434b,  // sockets
    0x5a3c69f0,  // AppArmor
    0x6165676c,  // pstore
    0x62656570,  // configfs
    0x62656572,  // sysfs
    0x63677270,  // cgroup2
    0x64626720,  // debugfs
    0x65735543,  // FUSE's control
    0x67596969,  // rpc_pipefs
    0x6c6f6f70,  // binder
    0x6e667364,  // nfsd
    0x6e736673,  // namespaces
    0x73636673,  // securityfs
    0x74726163,  // tracefs
    0xabba_1974, // xenfs
    0xcafe_4a11, // bpf
    0xde5e_81e4, // efivarfs
    0xf97c_ff8c, // SELinux
];

/// Whether `magic` is the number of such a file system.
pub fn is_pseudo(magic: u64) -> bool {
    PSEUDO.binary_search(&magic).is_ok()
}
