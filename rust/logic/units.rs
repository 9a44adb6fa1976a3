// SPDX-License-Identifier: GPL-2.0

//! Units of length, position and time, so that they are not mixed up.

/// The block layer's unit of addressing, in bytes, whatever the block size of
/// a device.
pub const SECTOR_SIZE: u32 = 512;

const SECTOR_SHIFT: u32 = SECTOR_SIZE.trailing_zeros();

/// A number of bytes, or a position in a file in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Bytes(u64);

impl Bytes {
    /// `bytes` bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// How many whole sectors these bytes hold; the rest is dropped.
    pub const fn to_sectors(self) -> Sectors {
        Sectors(self.0 >> SECTOR_SHIFT)
    }
}

/// A number of sectors of [`SECTOR_SIZE`] bytes, or a position on a device in
/// such sectors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Sectors(u64);

impl Sectors {
    /// `sectors` sectors.
    pub const fn new(sectors: u64) -> Self {
        Self(sectors)
    }

    /// The number of sectors.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same length in bytes, or [`None`] where 64 bits cannot hold it.
    pub const fn to_bytes(self) -> Option<Bytes> {
        match self.0.checked_mul(1 << SECTOR_SHIFT) {
            Some(bytes) => Some(Bytes(bytes)),
            None => None,
        }
    }
}

/// A point in time: nanoseconds of a clock that never goes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Moment(u64);

impl Moment {
    /// So many nanoseconds after the clock's beginning.
    pub const fn new(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// How many nanoseconds lie between another one before it and this; 0 if it is not
    /// before it.
    pub const fn since(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}
