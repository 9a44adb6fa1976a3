// SPDX-License-Identifier: GPL-2.0

//! Which file systems are views of the kernel, against their numbers in statfs(2).

use rloop_logic::pseudo::is_pseudo;

#[test]
fn views_of_the_kernel_are_pseudo() {
    // As statfs(2) has them: first, last, and those that everybody has.
    for magic in [
        0x1cd1,
        0x9fa0,
        0x6265_6572,
        0x6367_7270,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0xcafe_4a11,
        0xf97c_ff8c,
    ] {
        assert!(is_pseudo(magic), "{magic:#x}");
    }
}

#[test]
fn file_systems_that_store_data_are_not() {
    for (name, magic) in [
        ("ext4", 0xef53),
        ("xfs", 0x5846_5342),
        ("btrfs", 0x9123_683e),
        ("tmpfs", 0x0102_1994),
        ("ramfs", 0x8584_58f6),
        ("overlay", 0x794c_7630),
        ("fat", 0x4d44),
        ("nfs", 0x6969),
        ("9p", 0x0102_1997),
        ("fuse", 0x6573_5546),
        ("hugetlbfs", 0x9584_58f6),
        ("block devices", 0x6264_6576),
        ("nothing", 0),
        ("everything", u64::MAX),
    ] {
        assert!(!is_pseudo(magic), "{name}");
    }
}
