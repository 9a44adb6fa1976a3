// SPDX-License-Identifier: GPL-2.0

//! A set of sectors in bounded memory.
//!
//! It keeps sorted ranges that neither overlap nor touch. When there is no room
//! for one more, the smallest gap between two of them is closed: the set then has
//! sectors that were never put into it. It never lacks one that was. So whoever
//! asks what *may* be concerned is told the truth, only coarser.
//!
//! Taking sectors away may split a range and need room, too. If what was taken
//! away is the smallest gap it stays in the set. Whoever takes all sectors away
//! from the first to the last empties the set, for that splits nothing.

use ::core::ops::DerefMut;

use super::units::Sectors;

/// A range of sectors that is not empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    first: u64,
    /// The sector after the last.
    end: u64,
}

impl Range {
    /// Room for a range.
    pub const UNUSED: Self = Self { first: 0, end: 0 };

    /// `length` sectors from `first` on, as far as there are any.
    pub fn new(first: Sectors, length: Sectors) -> Self {
        Self {
            first: first.get(),
            end: first.get().saturating_add(length.get()),
        }
    }

    /// The last sector that there can be.
    pub const fn last() -> Self {
        Self {
            first: u64::MAX.wrapping_sub(1),
            end: u64::MAX,
        }
    }

    /// The first sector.
    pub const fn first(self) -> Sectors {
        Sectors::new(self.first)
    }

    /// How many there are.
    pub const fn length(self) -> Sectors {
        Sectors::new(self.end.saturating_sub(self.first))
    }
}

/// The set, whose ranges are in `S`. There has to be room for one at least.
#[derive(Debug)]
pub struct RangeSet<S> {
    /// Those in use come first.
    ranges: S,
    /// How many are in use.
    used: usize,
}

/// A gap: behind which range it is, and its length.
#[derive(Clone, Copy)]
struct Gap {
    behind: usize,
    length: u64,
}

impl<S: DerefMut<Target = [Range]>> RangeSet<S> {
    /// An empty set.
    pub const fn new(ranges: S) -> Self {
        Self { ranges, used: 0 }
    }

    /// The ranges, in ascending order.
    pub fn ranges(&self) -> &[Range] {
        self.ranges.get(..self.used).unwrap_or(&[])
    }

    /// Whether there is no sector in it.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Takes away all sectors.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Puts sectors into the set.
    pub fn insert(&mut self, range: Range) {
        if range.first >= range.end {
            return;
        }
        // Those that overlap or touch it become one with it.
        let from = self
            .ranges()
            .partition_point(|other| other.end < range.first);
        let to = self
            .ranges()
            .partition_point(|other| other.first <= range.end);
        let touched = self.ranges().get(from..to).unwrap_or(&[]);
        let union = touched.iter().fold(range, |union, other| Range {
            first: union.first.min(other.first),
            end: union.end.max(other.end),
        });
        if from < to {
            self.replace(from, to, &[union]);
            return;
        }
        if self.used == self.ranges.len() {
            // The gaps before and behind it count, too.
            let before = from.checked_sub(1).and_then(|left| {
                let other = self.ranges().get(left)?;
                Some((left, range.first.saturating_sub(other.end)))
            });
            let behind = self
                .ranges()
                .get(from)
                .map(|other| (from, other.first.saturating_sub(range.end)));
            let nearest = match (before, behind) {
                (Some(left), Some(right)) if left.1 <= right.1 => Some(left),
                (_, Some(right)) => Some(right),
                (left, None) => left,
            };
            let gap = self.smallest_gap();
            if let Some((number, distance)) = nearest {
                if gap.is_none_or(|gap| distance <= gap.length) {
                    // It becomes one with its neighbour.
                    if let Some(other) = self.ranges.get_mut(number) {
                        other.first = other.first.min(range.first);
                        other.end = other.end.max(range.end);
                    }
                    return;
                }
            }
            if let Some(gap) = gap {
                self.close(gap);
                // One less: begin again.
                self.insert(range);
            }
            return;
        }
        self.replace(from, from, &[range]);
    }

    /// Puts all sectors of another set into this one.
    pub fn insert_all<R: DerefMut<Target = [Range]>>(&mut self, other: &RangeSet<R>) {
        for range in other.ranges() {
            self.insert(*range);
        }
    }

    /// Takes sectors away.
    pub fn remove(&mut self, range: Range) {
        if range.first >= range.end {
            return;
        }
        let from = self
            .ranges()
            .partition_point(|other| other.end <= range.first);
        let to = self
            .ranges()
            .partition_point(|other| other.first < range.end);
        let touched = self.ranges().get(from..to).unwrap_or(&[]);
        let (Some(first), Some(last)) = (touched.first(), touched.last()) else {
            return;
        };
        let left = Range {
            first: first.first,
            end: range.first,
        };
        let right = Range {
            first: range.end,
            end: last.end,
        };
        match (left.first < left.end, right.first < right.end) {
            (false, false) => self.replace(from, to, &[]),
            (true, false) => self.replace(from, to, &[left]),
            (false, true) => self.replace(from, to, &[right]),
            (true, true) if touched.len() > 1 || self.used < self.ranges.len() => {
                self.replace(from, to, &[left, right]);
            }
            (true, true) => {
                // The new gap would be one too many.
                let length = range.end.saturating_sub(range.first);
                if let Some(gap) = self.smallest_gap().filter(|gap| gap.length < length) {
                    self.close(gap);
                    // There is room now.
                    self.remove(range);
                }
            }
        }
    }

    /// The smallest gap between two ranges.
    fn smallest_gap(&self) -> Option<Gap> {
        self.ranges()
            .windows(2)
            .enumerate()
            .filter_map(|(behind, pair)| match pair {
                [left, right] => Some(Gap {
                    behind,
                    length: right.first.saturating_sub(left.end),
                }),
                _ => None,
            })
            .min_by_key(|gap| gap.length)
    }

    /// Makes one range of the two beside a gap.
    fn close(&mut self, gap: Gap) {
        let next = gap.behind.saturating_add(1);
        if let (Some(left), Some(right)) = (
            self.ranges().get(gap.behind).copied(),
            self.ranges().get(next).copied(),
        ) {
            let union = Range {
                first: left.first,
                end: right.end,
            };
            self.replace(gap.behind, next.saturating_add(1), &[union]);
        }
    }

    /// Puts `new` in the place of the ranges `from..to`. There has to be room.
    fn replace(&mut self, from: usize, to: usize, new: &[Range]) {
        let end = from.saturating_add(new.len());
        let used = self.used.saturating_sub(to).saturating_add(end);
        if from > to || to > self.used || used > self.ranges.len() {
            return;
        }
        self.ranges.copy_within(to..self.used, end);
        if let Some(place) = self.ranges.get_mut(from..end) {
            place.copy_from_slice(new);
        }
        self.used = used;
    }
}
