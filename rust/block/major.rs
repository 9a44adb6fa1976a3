// SPDX-License-Identifier: GPL-2.0

//! Block device major numbers.

use crate::sys;
use core::ptr::null_mut;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CString,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc,
    },
};

/// The major number of loop devices, `LOOP_MAJOR`.
pub(crate) const LOOP: u32 = sys::RLOOP_LOOP_MAJOR;

/// Is told when somebody opens a device number that no disk has, and may make that disk.
pub(crate) trait Prober: Send + Sync + 'static {
    /// Minor number `minor` is being opened. Process context; no lock of a disk is held, but that
    /// of all major numbers is: none may be registered or unregistered here, nor may this wait for
    /// that.
    fn probe(&self, minor: u32);
}

/// The prober of the one major number that has one; null while none has.
///
/// The kernel passes nothing to the callback by which it could be found.
static PROBER: Atomic<*mut Arc<dyn Prober>> = Atomic::new(null_mut());

/// Holds [`PROBER`].
///
/// # Invariants
///
/// `PROBER` points into this box.
struct Probing(#[allow(dead_code)] KBox<Arc<dyn Prober>>);

impl Probing {
    /// `EBUSY` if another major number has a prober.
    fn start(prober: Arc<dyn Prober>) -> Result<Self> {
        let mut prober = KBox::new(prober, GFP_KERNEL)?;
        match PROBER.cmpxchg(null_mut(), &raw mut *prober, Full) {
            // INVARIANT: Set just now, and nobody changes it before the drop.
            Ok(_) => Ok(Self(prober)),
            Err(_) => Err(EBUSY),
        }
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        PROBER.store(null_mut(), Relaxed);
    }
}

/// # Safety
///
/// Only for the block layer to call, for a major number registered with a prober.
unsafe extern "C" fn probe(number: bindings::dev_t) {
    let prober = PROBER.load(Relaxed);
    // SAFETY: `PROBER` was set before the major number was registered and is unset after it was
    // unregistered. The block layer holds the lock now that both take, so that the one was before
    // and the other will be afterwards.
    if let Some(prober) = unsafe { prober.as_ref() } {
        // SAFETY: Arithmetic only.
        prober.probe(unsafe { sys::rloop_minor(number) });
    }
}

/// A registered major number; unregistered when dropped.
pub(crate) struct Major {
    number: u32,
    name: CString,
    // Dropped after the number was unregistered.
    _probing: Option<Probing>,
}

impl Major {
    /// Registers `number`, or any free one for `None`, under `name` in `/proc/devices`. The
    /// `prober` may be asked before this returns, and until the number is unregistered.
    ///
    /// Fails with `EBUSY` when the number is taken, or there is another prober. May sleep.
    pub(crate) fn register(
        number: Option<u32>,
        name: CString,
        prober: Option<Arc<dyn Prober>>,
    ) -> Result<Self> {
        let wanted = number.unwrap_or(0);
        let probing = prober.map(Probing::start).transpose()?;
        let callback: Option<unsafe extern "C" fn(bindings::dev_t)> = match &probing {
            Some(_) => Some(probe),
            None => None,
        };
        // SAFETY: `name` is copied; there is a prober for `probe`.
        let ret = unsafe { bindings::__register_blkdev(wanted, name.as_char_ptr(), callback) };
        to_result(ret.min(0))?;
        // A fixed number gives 0, a dynamic one the number.
        let number = match number {
            Some(number) => number,
            None => u32::try_from(ret)?,
        };
        Ok(Self {
            number,
            name,
            _probing: probing,
        })
    }

    /// The number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Major {
    fn drop(&mut self) {
        // Waits for a call of the prober.
        // SAFETY: Registered with the same number and name in `register()`.
        unsafe { bindings::unregister_blkdev(self.number, self.name.as_char_ptr()) };
    }
}

#[kunit_tests(rloop_block_major)]
mod tests {
    use super::*;

    fn major(number: Option<u32>) -> Result<Major> {
        Major::register(number, CString::try_from_fmt(fmt!("rloop-test"))?, None)
    }

    #[test]
    fn number_found_free_is_taken_then() -> Result {
        let first = major(None)?;
        let second = major(Some(first.number())).err();
        drop(first);
        assert!(second == Some(EBUSY));
        Ok(())
    }

    /// A prober that makes nothing.
    struct Nobody;

    impl Prober for Nobody {
        fn probe(&self, _minor: u32) {}
    }

    fn probed() -> Result<Major> {
        let name = CString::try_from_fmt(fmt!("rloop-test"))?;
        Major::register(None, name, Some(Arc::new(Nobody, GFP_KERNEL)?))
    }

    #[test]
    fn one_major_number_has_a_prober() {
        // The module itself may be the first; then both are refused.
        let first = probed();
        let second = probed().err();
        drop(first);
        assert!(second == Some(EBUSY));
    }

    #[test]
    fn number_is_free_again_when_dropped() -> Result {
        let number = major(None)?.number();
        drop(major(Some(number))?);
        drop(major(Some(number))?);
        Ok(())
    }
}
