// SPDX-License-Identifier: GPL-2.0

//! Tests of the layout and the conversion of what user space passes.

/// Asserts that fields lie where those of a C structure do.
macro_rules! assert_same_offsets {
    ($ours:ty, $theirs:ty, $($our:ident = $their:ident),+ $(,)?) => {
        $(assert_eq!(
            ::core::mem::offset_of!($ours, $our),
            ::core::mem::offset_of!($theirs, $their)
        );)+
    };
}

/// Asserts that fields lie where they are said to.
macro_rules! assert_offsets {
    ($ours:ty, $($our:ident = $offset:literal),+ $(,)?) => {
        $(assert_eq!(::core::mem::offset_of!($ours, $our), $offset);)+
    };
}

#[kernel::prelude::kunit_tests(rloop_core_uapi)]
mod kunit {
    use super::super::*;
    use kernel::prelude::*;

    /// Values that fit all forms, each of them another.
    const SMALL: LoopInfo64 = LoopInfo64 {
        device: 0x0801,
        inode: 77,
        rdevice: 0x0702,
        offset: 4096,
        sizelimit: 1 << 20,
        number: 3,
        encrypt_type: 0,
        encrypt_key_size: 0,
        flags: 5,
        name: [b'n'; NAME_SIZE],
        crypt_name: [b'c'; NAME_SIZE],
        encrypt_key: [b'k'; KEY_SIZE],
        init: [8, 9],
    };

    /// Today's form of an old form of `info`.
    fn there_and_back<T: OldInfo>(info: &LoopInfo64) -> Result<LoopInfo64> {
        Ok(T::from_new(info).ok_or(EOVERFLOW)?.to_new())
    }

    /// Today's form of what a caller of the old form passes with `offset`.
    fn with_old_offset(offset: i32) -> LoopInfo64 {
        // SAFETY: All zeroes is a valid value.
        let mut info: LoopInfo = unsafe { ::core::mem::zeroed() };
        info.offset = offset;
        info.to_new()
    }

    /// The same for a 32-bit caller.
    fn with_compat_offset(offset: i32) -> LoopInfo64 {
        // SAFETY: All zeroes is a valid value.
        let mut info: CompatLoopInfo = unsafe { ::core::mem::zeroed() };
        info.offset = offset;
        info.to_new()
    }

    #[test]
    fn info64_is_laid_out_as_in_c() {
        assert_same_offsets!(
            LoopInfo64,
            sys::loop_info64,
            device = lo_device,
            inode = lo_inode,
            rdevice = lo_rdevice,
            offset = lo_offset,
            sizelimit = lo_sizelimit,
            number = lo_number,
            encrypt_type = lo_encrypt_type,
            encrypt_key_size = lo_encrypt_key_size,
            flags = lo_flags,
            name = lo_file_name,
            crypt_name = lo_crypt_name,
            encrypt_key = lo_encrypt_key,
            init = lo_init,
        );
    }

    #[test]
    fn config_is_laid_out_as_in_c() {
        assert_same_offsets!(
            LoopConfig,
            sys::loop_config,
            fd = fd,
            block_size = block_size,
            info = info,
            reserved = __reserved,
        );
    }

    #[test]
    fn old_info_is_laid_out_as_in_c() {
        assert_same_offsets!(
            LoopInfo,
            sys::loop_info,
            number = lo_number,
            device = lo_device,
            inode = lo_inode,
            rdevice = lo_rdevice,
            offset = lo_offset,
            encrypt_type = lo_encrypt_type,
            encrypt_key_size = lo_encrypt_key_size,
            flags = lo_flags,
            name = lo_name,
            encrypt_key = lo_encrypt_key,
            init = lo_init,
            reserved = reserved,
        );
    }

    #[test]
    fn compat_info_is_laid_out_as_by_a_32_bit_compiler() {
        // The kernel has no header with this form.
        assert_offsets!(
            CompatLoopInfo,
            number = 0,
            device = 4,
            inode = 8,
            rdevice = 12,
            offset = 16,
            encrypt_type = 20,
            encrypt_key_size = 24,
            flags = 28,
            name = 32,
            encrypt_key = 96,
            init = 128,
            reserved = 136,
        );
    }

    #[test]
    fn ioctl_numbers_are_those_of_user_space() {
        assert_eq!(device_ioctl::SET_FD, 0x4c00);
        assert_eq!(device_ioctl::CLR_FD, 0x4c01);
        assert_eq!(device_ioctl::SET_STATUS, 0x4c02);
        assert_eq!(device_ioctl::GET_STATUS, 0x4c03);
        assert_eq!(device_ioctl::SET_STATUS64, 0x4c04);
        assert_eq!(device_ioctl::GET_STATUS64, 0x4c05);
        assert_eq!(device_ioctl::CHANGE_FD, 0x4c06);
        assert_eq!(device_ioctl::SET_CAPACITY, 0x4c07);
        assert_eq!(device_ioctl::SET_DIRECT_IO, 0x4c08);
        assert_eq!(device_ioctl::SET_BLOCK_SIZE, 0x4c09);
        assert_eq!(device_ioctl::CONFIGURE, 0x4c0a);
        assert_eq!(control_ioctl::ADD, 0x4c80);
        assert_eq!(control_ioctl::REMOVE, 0x4c81);
        assert_eq!(control_ioctl::GET_FREE, 0x4c82);
    }

    #[test]
    fn old_info_keeps_what_a_caller_can_set() -> Result {
        let back = there_and_back::<LoopInfo>(&SMALL)?;
        assert_eq!(back.offset, SMALL.offset);
        assert_eq!(back.flags, SMALL.flags);
        assert_eq!(back.name, SMALL.name);
        Ok(())
    }

    #[test]
    fn compat_info_keeps_what_a_caller_can_set() -> Result {
        let back = there_and_back::<CompatLoopInfo>(&SMALL)?;
        assert_eq!(back.offset, SMALL.offset);
        assert_eq!(back.flags, SMALL.flags);
        assert_eq!(back.name, SMALL.name);
        Ok(())
    }

    #[test]
    fn old_info_tells_which_file_it_is() -> Result {
        let info = LoopInfo::from_new(&SMALL).ok_or(EOVERFLOW)?;
        assert_eq!(info.device, 0x0801);
        assert_eq!(info.inode, 77);
        assert_eq!(info.rdevice, 0x0702);
        assert_eq!(info.number, 3);
        Ok(())
    }

    #[test]
    fn compat_info_tells_which_file_it_is() -> Result {
        let info = CompatLoopInfo::from_new(&SMALL).ok_or(EOVERFLOW)?;
        assert_eq!(info.device, 0x0801);
        assert_eq!(info.inode, 77);
        assert_eq!(info.rdevice, 0x0702);
        assert_eq!(info.number, 3);
        Ok(())
    }

    #[test]
    fn old_forms_set_no_size_limit() -> Result {
        assert_eq!(there_and_back::<LoopInfo>(&SMALL)?.sizelimit, 0);
        assert_eq!(there_and_back::<CompatLoopInfo>(&SMALL)?.sizelimit, 0);
        Ok(())
    }

    #[test]
    fn negative_offset_is_beyond_every_file() {
        assert!(with_old_offset(-1).offset > i64::MAX as u64);
        assert!(with_compat_offset(-1).offset > i64::MAX as u64);
    }

    #[test]
    fn offset_that_does_not_fit_is_not_told() {
        let info = LoopInfo64 {
            offset: 1 << 31,
            ..SMALL
        };
        assert!(LoopInfo::from_new(&info).is_none());
        assert!(CompatLoopInfo::from_new(&info).is_none());
    }

    #[test]
    fn inode_of_64_bits_fits_the_old_form_only() {
        let info = LoopInfo64 {
            inode: 1 << 32,
            ..SMALL
        };
        assert!(LoopInfo::from_new(&info).is_some());
        assert!(CompatLoopInfo::from_new(&info).is_none());
    }

    #[test]
    fn device_number_of_32_bits_fits_the_old_form_only() {
        let device = LoopInfo64 {
            device: 1 << 16,
            ..SMALL
        };
        let rdevice = LoopInfo64 {
            rdevice: 1 << 16,
            ..SMALL
        };
        for info in [device, rdevice] {
            assert!(LoopInfo::from_new(&info).is_some());
            assert!(CompatLoopInfo::from_new(&info).is_none());
        }
    }

    #[test]
    fn old_forms_tell_no_key() -> Result {
        let old = LoopInfo::from_new(&SMALL).ok_or(EOVERFLOW)?;
        let compat = CompatLoopInfo::from_new(&SMALL).ok_or(EOVERFLOW)?;
        assert!(!old.as_bytes().contains(&b'k'));
        assert!(!compat.as_bytes().contains(&b'k'));
        Ok(())
    }
}
