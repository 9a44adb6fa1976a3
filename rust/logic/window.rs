// SPDX-License-Identifier: GPL-2.0

//! The part of the backing file that a device shows.

use super::units::{
    Bytes,
    Sectors, //
};

/// The largest position in a file, in bytes: `loff_t` is signed.
const MAX_POSITION: u64 = i64::MAX.unsigned_abs();

/// Where the device begins in its backing file, and how much of it it may show:
/// `lo_offset` and `lo_sizelimit`.
///
/// # Invariants
///
/// Both are at most [`i64::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Bytes.
    offset: u64,
    /// Bytes; 0 means no limit.
    sizelimit: u64,
}

/// Why a window is refused; `EOVERFLOW` in all cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WindowError {
    /// The offset is no position in a file.
    OffsetTooLarge,
    /// The size limit is no length of a file.
    SizeLimitTooLarge,
}

impl Window {
    /// A window that begins `offset` bytes into the file and shows at most
    /// `sizelimit` bytes of it; a limit of 0 means none.
    ///
    /// # Errors
    ///
    /// Either is larger than [`i64::MAX`]: `EOVERFLOW`. The offset is looked at
    /// first.
    pub const fn new(offset: u64, sizelimit: u64) -> Result<Self, WindowError> {
        if offset > MAX_POSITION {
            return Err(WindowError::OffsetTooLarge);
        }
        if sizelimit > MAX_POSITION {
            return Err(WindowError::SizeLimitTooLarge);
        }
        // INVARIANT: Both were just compared.
        Ok(Self { offset, sizelimit })
    }

    /// Where in the file the device begins.
    pub const fn offset(&self) -> Bytes {
        Bytes::new(self.offset)
    }

    /// How much the device may show; 0 means as much as there is.
    pub const fn sizelimit(&self) -> Bytes {
        Bytes::new(self.sizelimit)
    }

    /// The device's capacity over a file of `file_size`: what lies beyond the
    /// offset, no more than a nonzero size limit, in whole sectors. It is 0
    /// where the file ends before the offset.
    pub fn capacity(&self, file_size: Bytes) -> Sectors {
        let available = file_size.get().saturating_sub(self.offset);
        let shown = match self.sizelimit {
            0 => available,
            limit => available.min(limit),
        };
        Bytes::new(shown).to_sectors()
    }

    /// Whether all that `other` shows of a file is shown by this one, too, whatever its
    /// size.
    pub fn covers(&self, other: &Self) -> bool {
        self.offset <= other.offset && self.end() >= other.end()
    }

    /// Where in the file the device ends at the latest.
    pub const fn end(&self) -> Bytes {
        Bytes::new(match self.sizelimit {
            0 => u64::MAX,
            limit => self.offset.saturating_add(limit),
        })
    }

    /// The position in the file of the byte that lies `done` bytes beyond the
    /// beginning of `sector` of the device.
    ///
    /// It is [`None`] where that is no position in any file, that is, more than
    /// [`i64::MAX`]. The capacity is not looked at.
    pub fn position(&self, sector: Sectors, done: Bytes) -> Option<Bytes> {
        let position = sector
            .to_bytes()?
            .get()
            .checked_add(self.offset)?
            .checked_add(done.get())?;
        (position <= MAX_POSITION).then_some(Bytes::new(position))
    }
}
