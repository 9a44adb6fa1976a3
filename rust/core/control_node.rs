// SPDX-License-Identifier: GPL-2.0

//! A control node: a misc character device that only answers ioctls.
//!
//! The `kernel` crate's `MiscDeviceRegistration` of 7.2 has dynamic minors only and leaves
//! `fops.owner` unset, so that `rmmod` with the node open would leave a dangling vtable. This one
//! takes a fixed minor and sets the owner: an open node pins the module.
//!
//! C header: `include/linux/miscdevice.h`.

use crate::{core::module::THIS_MODULE, sys};
use core::{marker::PhantomData, mem::zeroed};
use kernel::{bindings, error::to_result, ffi, prelude::*, str::CString, types::Opaque};

/// The minor number of a control node.
#[derive(Clone, Copy)]
pub(crate) enum Minor {
    /// The number that `/dev/loop-control` has had since Linux 3.1.
    LoopControl,
    /// Whatever is free.
    Dynamic,
}

impl Minor {
    fn number(self) -> i32 {
        let minor = match self {
            Minor::LoopControl => sys::RLOOP_LOOP_CTRL_MINOR,
            Minor::Dynamic => sys::RLOOP_MISC_DYNAMIC_MINOR,
        };
        // Both are small constants.
        i32::try_from(minor).unwrap_or(0)
    }
}

/// What a control node does.
pub(crate) trait ControlOperations: Send + Sync + Sized + 'static {
    /// Serves one ioctl; the return value goes to user space. Process context, no locks held.
    fn ioctl(&self, cmd: u32, arg: usize) -> Result<i32>;
}

/// A registered control node.
///
/// # Invariants
///
/// While this object lives, `misc` is registered, and `context` does not change.
#[pin_data(PinnedDrop)]
#[repr(C)]
pub(crate) struct ControlNode<T: ControlOperations> {
    // The first member of a `repr(C)` struct: a pointer to it is a pointer to the whole.
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    context: T,
    name: CString,
}

// SAFETY: `misc` is only used by the kernel, which locks it; the rest is `Send`.
unsafe impl<T: ControlOperations> Send for ControlNode<T> {}
// SAFETY: `misc` is only used by the kernel, which locks it; `context` is `Sync`.
unsafe impl<T: ControlOperations> Sync for ControlNode<T> {}

impl<T: ControlOperations> ControlNode<T> {
    /// Registers `/dev/<name>`, readable and writable by root only. Fails with `EBUSY` when
    /// the minor number is taken. May sleep.
    pub(crate) fn register(name: CString, minor: Minor, context: T) -> impl PinInit<Self, Error> {
        let name_ptr = name.as_char_ptr();
        try_pin_init!(&this in Self {
            context,
            name,
            misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                // SAFETY: All zeroes is a valid `struct miscdevice`.
                let mut misc: bindings::miscdevice = unsafe { zeroed() };
                misc.minor = minor.number();
                // The string's heap buffer stays where it is when `CString` moves, and is freed
                // after deregistration: `PinnedDrop` runs before the fields are dropped.
                misc.name = name_ptr;
                misc.fops = &Vtable::<T>::FOPS;
                // SAFETY: `slot` is valid for writes; it is pinned and will be deregistered before
                // its memory goes away. `context` and `name` were initialised before, in the order
                // written, so that the node may be opened at once.
                unsafe {
                    slot.write(misc);
                    to_result(bindings::misc_register(slot))
                }
            }),
            _: {
                let _ = this;
            },
        })
    }
}

#[pinned_drop]
impl<T: ControlOperations> PinnedDrop for ControlNode<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered, by the type invariant. Nobody has the node open: that would hold the
        // module, and this object is only dropped when the module's init fails or at its exit.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}

struct Vtable<T>(PhantomData<T>);

impl<T: ControlOperations> Vtable<T> {
    const FOPS: bindings::file_operations = {
        // SAFETY: All zeroes is a valid `struct file_operations`: every callback absent.
        let mut fops: bindings::file_operations = unsafe { zeroed() };
        fops.owner = THIS_MODULE;
        fops.open = Some(bindings::nonseekable_open);
        fops.unlocked_ioctl = Some(Self::ioctl);
        #[cfg(CONFIG_COMPAT)]
        {
            // The arguments are plain numbers, the same for 32-bit callers.
            fops.compat_ioctl = Some(Self::ioctl);
        }
        fops.llseek = Some(bindings::noop_llseek);
        fops
    };

    /// # Safety
    ///
    /// Only for the kernel to call, on a file of a registered [`ControlNode<T>`].
    unsafe extern "C" fn ioctl(
        file: *mut bindings::file,
        cmd: ffi::c_uint,
        arg: ffi::c_ulong,
    ) -> ffi::c_long {
        // SAFETY: `misc_open()` made `private_data` point to the `struct miscdevice`, the first
        // member of `ControlNode<T>`, which lives while the module does, and the file pins that.
        let node = unsafe { &*(*file).private_data.cast::<ControlNode<T>>() };
        match node.context.ioctl(cmd, arg) {
            Ok(value) => value as ffi::c_long,
            Err(error) => error.to_errno() as ffi::c_long,
        }
    }
}

#[kernel::prelude::kunit_tests(rloop_core_control_node)]
mod tests {
    use super::*;

    /// Answers with its argument, and knows one command.
    struct Echo;

    const KNOWN: u32 = 1;

    impl ControlOperations for Echo {
        fn ioctl(&self, cmd: u32, arg: usize) -> Result<i32> {
            match cmd {
                KNOWN => Ok(i32::try_from(arg)?),
                _ => Err(ENOTTY),
            }
        }
    }

    fn node(name: &CStr, minor: Minor) -> Result<Pin<KBox<ControlNode<Echo>>>> {
        let name = CString::try_from_fmt(fmt!("{}", name))?;
        KBox::pin_init(ControlNode::register(name, minor, Echo), GFP_KERNEL)
    }

    /// What an ioctl on a node just opened returns.
    fn ioctl(cmd: u32, arg: usize) -> Result<isize> {
        let node = node(c"rloop-test-ioctl", Minor::Dynamic)?;
        // SAFETY: All zeroes is a valid `struct file` for those who look at `private_data` only.
        let mut file = KBox::new(unsafe { zeroed::<bindings::file>() }, GFP_KERNEL)?;
        file.private_data = node.misc.get().cast();
        // SAFETY: As `misc_open()` would have left the file, as far as it is looked at.
        Ok(unsafe { Vtable::<Echo>::ioctl(&mut *file, cmd, arg) })
    }

    #[test]
    fn answer_reaches_user_space() -> Result {
        assert_eq!(ioctl(KNOWN, 5)?, 5);
        Ok(())
    }

    #[test]
    fn error_reaches_user_space_as_a_negative_errno() -> Result {
        assert_eq!(ioctl(KNOWN + 1, 5)?, -25);
        Ok(())
    }

    #[test]
    fn open_node_pins_the_module() {
        assert!(core::ptr::eq(Vtable::<Echo>::FOPS.owner, THIS_MODULE));
    }

    #[test]
    fn fixed_minor_is_given_to_one_only() {
        // The module itself may be the first; then both are refused.
        let first = node(c"rloop-test-first", Minor::LoopControl);
        let second = node(c"rloop-test-second", Minor::LoopControl).err();
        drop(first);
        assert!(second == Some(EBUSY));
    }
}
