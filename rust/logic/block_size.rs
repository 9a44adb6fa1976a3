// SPDX-License-Identifier: GPL-2.0

//! The logical block size of a device.

use super::units::SECTOR_SIZE;

/// The logical block size of a device, in bytes.
///
/// # Invariants
///
/// A power of two, at least [`SECTOR_SIZE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockSize(u32);

/// Why a block size is refused; `EINVAL` in all cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockSizeError {
    /// Less than a sector.
    TooSmall,
    /// More than the kernel supports.
    TooLarge,
    /// No power of two.
    NotPowerOfTwo,
}

impl BlockSize {
    /// One sector: the smallest block there is, and what a device has unless
    /// told otherwise.
    // INVARIANT: A sector is as large as itself and a power of two.
    pub const SECTOR: Self = Self(SECTOR_SIZE);

    /// A block size of `bytes`, of which the kernel supports `max` bytes.
    ///
    /// # Errors
    ///
    /// The first of [`BlockSizeError`] that applies.
    pub fn new(bytes: u64, max: u32) -> Result<Self, BlockSizeError> {
        if bytes < u64::from(SECTOR_SIZE) {
            return Err(BlockSizeError::TooSmall);
        }
        let bytes = match u32::try_from(bytes) {
            Ok(bytes) if bytes <= max => bytes,
            _ => return Err(BlockSizeError::TooLarge),
        };
        if !bytes.is_power_of_two() {
            return Err(BlockSizeError::NotPowerOfTwo);
        }
        // INVARIANT: All of it was just checked.
        Ok(Self(bytes))
    }

    /// The block size in bytes.
    pub const fn get(self) -> u32 {
        self.0
    }
}
