// SPDX-License-Identifier: GPL-2.0

//! The flags of a device, `lo_flags`.

/// A set of `LO_FLAGS_*`. The default is none of them.
///
/// # Invariants
///
/// No bits but those of the constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u32);

impl Flags {
    /// `LO_FLAGS_READ_ONLY`: the device cannot be written.
    pub const READ_ONLY: Self = Self(1);
    /// `LO_FLAGS_AUTOCLEAR`: the device is detached on last close.
    pub const AUTOCLEAR: Self = Self(4);
    /// `LO_FLAGS_PARTSCAN`: partitions are looked for.
    pub const PARTSCAN: Self = Self(8);
    /// `LO_FLAGS_DIRECT_IO`: the page cache of the backing file is not used.
    pub const DIRECT_IO: Self = Self(16);

    /// What `LOOP_CONFIGURE` accepts.
    const CONFIGURABLE: Self = Self::READ_ONLY
        .with(Self::AUTOCLEAR)
        .with(Self::PARTSCAN)
        .with(Self::DIRECT_IO);
    /// What `LOOP_SET_STATUS` and `LOOP_SET_STATUS64` can set.
    const SETTABLE: Self = Self::AUTOCLEAR.with(Self::PARTSCAN);
    /// What they can clear.
    const CLEARABLE: Self = Self::AUTOCLEAR;

    /// Whether all of `flags` are set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags and `flags`.
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// These flags except `flags`.
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// The bits, as in `lo_flags`.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The flags that `LOOP_CONFIGURE` asks for.
    ///
    /// # Errors
    ///
    /// The bits that it does not accept: `EINVAL`.
    pub const fn from_configure(requested: u32) -> Result<Self, u32> {
        match requested & !Self::CONFIGURABLE.0 {
            // INVARIANT: Nothing is left beside the constants.
            0 => Ok(Self(requested)),
            unknown => Err(unknown),
        }
    }

    /// The flags after `LOOP_SET_STATUS` or `LOOP_SET_STATUS64` asked for
    /// `requested`. What it cannot change stays as it is; unknown bits are
    /// ignored, as ever.
    pub const fn set_status(self, requested: u32) -> Self {
        let set = Self(requested & Self::SETTABLE.0);
        self.without(Self::CLEARABLE).with(set)
    }
}
