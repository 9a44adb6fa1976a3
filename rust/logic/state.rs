// SPDX-License-Identifier: GPL-2.0

//! The life of a device.
//!
//! A device is attached to a backing file, detached on last close, and can be
//! deleted while it is detached:
//!
//! | event          | Unbound             | Bound                            | Rundown   | Deleting  |
//! |----------------|---------------------|----------------------------------|-----------|-----------|
//! | [`open`]       | allowed             | allowed                          | Gone      | Gone      |
//! | [`attach`]     | **Bound**           | Busy                             | Busy      | Busy      |
//! | [`bound`], [`bound_mut`], [`set_autoclear`] | NotBound | allowed        | NotBound  | NotBound  |
//! | [`clear`]      | NotBound            | **Rundown**; Bound, autoclear if others have it open | NotBound | NotBound |
//! | [`last_close`] | –                   | **Rundown** if autoclear, else – | tear down | –         |
//! | [`finish`]     | –                   | –                                | **Unbound** | –       |
//! | [`delete`]     | **Deleting**; Busy if open | Busy                      | Busy      | Gone      |
//!
//! A refused event changes nothing and hands back what it was given, so that
//! the caller can drop it outside of its lock.
//!
//! Between Rundown and [`finish`] the binding still exists, so that the
//! tear-down can wait for I/O with it; but no event can reach it any more,
//! except [`last_close`], which asks for the tear-down. Nobody can open a
//! device in Rundown, so there is one last close, and one tear-down.
//!
//! LOCKING: The device's state lock guards all of this. `openers` are those
//! that the block layer counts, read under the same lock. What [`open`] says is
//! noted under it for those who open the device, and do not take it.
//!
//! [`open`]: State::open
//! [`attach`]: State::attach
//! [`bound`]: State::bound
//! [`bound_mut`]: State::bound_mut
//! [`set_autoclear`]: State::set_autoclear
//! [`clear`]: State::clear
//! [`last_close`]: State::last_close
//! [`finish`]: State::finish
//! [`delete`]: State::delete

use ::core::mem;

/// The state of a device; `B` is what binds it to a backing file.
#[derive(Debug)]
pub enum State<B> {
    /// There is no backing file.
    Unbound,
    /// There is one.
    Bound {
        /// The backing file and all that goes with it.
        binding: B,
        /// Whether the device is detached on last close.
        autoclear: bool,
    },
    /// The backing file is on its way out.
    Rundown(B),
    /// The device itself is.
    Deleting,
}

/// Why an event is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The device is in use: `EBUSY`.
    Busy,
    /// The device has no backing file, or no longer: `ENXIO`.
    NotBound,
    /// The device is being detached or deleted: `ENXIO` for an open, `ENODEV`
    /// for a second deletion.
    Gone,
}

impl<B> Default for State<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> State<B> {
    /// A new device has no backing file.
    pub const fn new() -> Self {
        Self::Unbound
    }

    /// Somebody opens the device.
    ///
    /// # Errors
    ///
    /// [`Refusal::Gone`] when it is being detached or deleted.
    pub const fn open(&self) -> Result<(), Refusal> {
        match self {
            Self::Unbound | Self::Bound { .. } => Ok(()),
            Self::Rundown(_) | Self::Deleting => Err(Refusal::Gone),
        }
    }

    /// A backing file is attached (`LOOP_SET_FD`, `LOOP_CONFIGURE`).
    ///
    /// # Errors
    ///
    /// The binding and [`Refusal::Busy`] unless the device is unbound.
    pub fn attach(&mut self, binding: B, autoclear: bool) -> Result<(), (B, Refusal)> {
        match self {
            Self::Unbound => {
                *self = Self::Bound { binding, autoclear };
                Ok(())
            }
            Self::Bound { .. } | Self::Rundown(_) | Self::Deleting => Err((binding, Refusal::Busy)),
        }
    }

    /// The binding of a bound device.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotBound`] in all other states.
    pub const fn bound(&self) -> Result<&B, Refusal> {
        match self {
            Self::Bound { binding, .. } => Ok(binding),
            Self::Unbound | Self::Rundown(_) | Self::Deleting => Err(Refusal::NotBound),
        }
    }

    /// The binding of a bound device, to change it.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotBound`] in all other states.
    pub fn bound_mut(&mut self) -> Result<&mut B, Refusal> {
        match self {
            Self::Bound { binding, .. } => Ok(binding),
            Self::Unbound | Self::Rundown(_) | Self::Deleting => Err(Refusal::NotBound),
        }
    }

    /// Whether the device is bound and will be detached on last close.
    pub const fn autoclear(&self) -> bool {
        matches!(
            self,
            Self::Bound {
                autoclear: true,
                ..
            }
        )
    }

    /// Decides whether a bound device is detached on last close.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotBound`] in all other states.
    pub fn set_autoclear(&mut self, enable: bool) -> Result<(), Refusal> {
        match self {
            Self::Bound { autoclear, .. } => {
                *autoclear = enable;
                Ok(())
            }
            Self::Unbound | Self::Rundown(_) | Self::Deleting => Err(Refusal::NotBound),
        }
    }

    /// One of `openers` asks to detach the device (`LOOP_CLR_FD`). If nobody
    /// else has it open it is in Rundown, so that nobody can open it any more,
    /// and the last close, which is the caller's own, tears it down; else it
    /// works on until the last of them closes it.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotBound`] unless the device is bound.
    pub fn clear(&mut self, openers: u32) -> Result<(), Refusal> {
        self.set_autoclear(true)?;
        if openers <= 1 {
            self.run_down();
        }
        Ok(())
    }

    /// The last opener closed the device. Returns whether it is now in Rundown,
    /// and so the caller has to tear it down and call [`finish`](Self::finish).
    pub fn last_close(&mut self) -> bool {
        self.run_down();
        matches!(self, Self::Rundown(_))
    }

    /// The tear-down of a device in Rundown is done: it is unbound, and the
    /// binding is the caller's. In all other states nothing happens.
    pub fn finish(&mut self) -> Option<B> {
        match mem::take(self) {
            Self::Rundown(binding) => Some(binding),
            other @ (Self::Unbound | Self::Bound { .. } | Self::Deleting) => {
                *self = other;
                None
            }
        }
    }

    /// The device is to be deleted (`LOOP_CTL_REMOVE`, module exit) while
    /// `openers` have it open.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] unless it is unbound and nobody has it open;
    /// [`Refusal::Gone`] if it is being deleted already.
    pub fn delete(&mut self, openers: u32) -> Result<(), Refusal> {
        match self {
            Self::Unbound if openers == 0 => {
                *self = Self::Deleting;
                Ok(())
            }
            Self::Unbound | Self::Bound { .. } | Self::Rundown(_) => Err(Refusal::Busy),
            Self::Deleting => Err(Refusal::Gone),
        }
    }

    /// Whether the device is free to be attached (`LOOP_CTL_GET_FREE`).
    pub const fn is_unbound(&self) -> bool {
        matches!(self, Self::Unbound)
    }

    /// Bound with autoclear becomes Rundown; everything else stays.
    fn run_down(&mut self) {
        *self = match mem::take(self) {
            Self::Bound {
                binding,
                autoclear: true,
            } => Self::Rundown(binding),
            other => other,
        };
    }
}
