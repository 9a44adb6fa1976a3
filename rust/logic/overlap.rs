// SPDX-License-Identifier: GPL-2.0

//! The order of requests whose ranges overlap.
//!
//! The promises (see the design's contract):
//!
//! - P7: requests whose ranges overlap take effect in the order they were
//!   accepted, however many queues and workers there are. Independent ones never
//!   wait for each other.
//! - P8: nothing else is held up here.
//!
//! Two requests *conflict* if their ranges have a sector in common and at least
//! one of them is a write. A request waits exactly for the requests that were
//! accepted earlier, have not completed and conflict with it, whether these have
//! begun or wait themselves. So nothing overtakes, and nothing can wait in a
//! circle.
//!
//! # The machine
//!
//! | event             | what happens                                                  |
//! |-------------------|---------------------------------------------------------------|
//! | accepted          | conflicting requests in flight are counted; none: **Ready**, else **Waits** |
//! | completed         | each later one that conflicts waits for one request less; those that wait for none are told, in the order they were accepted |
//! | completed, though it waits | the same: it never began, and what is behind it still waits for what was before |
//!
//! # How conflicts are found
//!
//! The device is divided into regions, whose size depends on the length of a
//! request: the smallest of 4 KiB, 64 KiB, 1 MiB, 16 MiB and "everything" that is
//! not smaller than the request. So each request touches at most two regions of
//! its own class. It is linked into the hash bucket of each. Whoever looks for
//! conflicts looks into the buckets of the regions that it touches, for each
//! class of which there is a request in flight that it could conflict with.
//!
//! Requests of similar size that do not overlap are alone in their regions or
//! nearly so, be they random or sequential. They find one or two buckets, which
//! are empty or have a few strangers, however many there are. Reads among reads
//! do not look at all, and neither does a completion while nothing waits. A
//! request that is much larger than others in flight looks into all buckets of
//! their class.
//!
//! What is found costs its number: `n` writes in flight to one sector take
//! `O(n)` steps each. At most as many are in flight as there are tags.
//!
//! # Locking
//!
//! One lock of the caller's guards the whole machine. The order in which
//! requests are accepted is that in which they get this lock.

use ::core::{
    mem,
    ops::DerefMut, //
};

use super::units::Sectors;

/// The binary logarithm of how many buckets a class has.
const BUCKET_BITS: u32 = 7;

/// Who would look for more regions than this looks into all buckets instead, and
/// into each of them once.
const MANY_REGIONS: u64 = 32;

/// Slots beyond do not exist, so that twice their number fits into 16 bits.
pub const MAX_SLOTS: u16 = u16::MAX >> 1;

/// None, where a [`Node`] has no room for an [`Option`].
const NO_SLOT: u16 = u16::MAX;

/// What a request does to its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It looks at it.
    Read,
    /// It changes it: write, discard, write zeroes.
    Write,
}

/// Whether an accepted request may begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a request that waits must not begin"]
pub enum Verdict {
    /// It may begin at once.
    Ready,
    /// It must not begin before [`Order::complete`] tells that it is ready.
    Waits,
}

/// Why a call is refused. Nothing has changed then. The caller is at fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// There is no such slot.
    NoSuchSlot,
    /// A request is accepted in a slot whose last one has not completed.
    InFlight,
    /// A request completes in a slot where none is in flight.
    Idle,
}

/// The first and the last sector of a request that has any.
#[derive(Clone, Copy)]
struct Span {
    first: u64,
    last: u64,
}

impl Span {
    const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The first and the last region of `1 << shift` sectors that it touches.
    const fn regions(self, shift: u32) -> Self {
        Self {
            first: self.first.wrapping_shr(shift),
            last: self.last.wrapping_shr(shift),
        }
    }
}

/// The links of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// In the bucket of its first region.
    Low,
    /// In the bucket of its last region, if that is another one.
    High,
}

/// Names a link of a node, or none.
#[derive(Clone, Copy)]
struct LinkId(u16);

impl LinkId {
    const NONE: Self = Self(u16::MAX);

    /// The link of a slot below [`MAX_SLOTS`].
    const fn new(slot: u16, side: Side) -> Self {
        match side {
            Side::Low => Self(slot << 1),
            Side::High => Self((slot << 1) | 1),
        }
    }

    const fn get(self) -> Option<(u16, Side)> {
        match (self.0, self.0 & 1) {
            (u16::MAX, _) => None,
            (id, 0) => Some((id >> 1, Side::Low)),
            (id, _) => Some((id >> 1, Side::High)),
        }
    }
}

/// The neighbours in a bucket.
#[derive(Clone, Copy)]
struct Link {
    next: LinkId,
    /// None: it is the first one.
    prev: LinkId,
}

impl Link {
    const NONE: Self = Self {
        next: LinkId::NONE,
        prev: LinkId::NONE,
    };
}

/// What [`Order`] keeps of the request in one slot: 32 bytes.
#[derive(Clone, Copy)]
pub struct Node {
    /// The first sector.
    first: u64,
    /// How many requests were accepted before it.
    earlier: u64,
    /// How many sectors it has; [`u32::MAX`] stands for all that follow.
    sectors: u32,
    /// How many requests it waits for.
    ///
    /// While they are collected by [`Order::complete`], those that wait for none
    /// any more have the slot of the next one here, or [`NO_SLOT`].
    waits: u16,
    /// None: the slot is idle.
    access: Option<Access>,
    low: Link,
    high: Link,
}

impl Node {
    /// There is no request in this slot.
    pub const IDLE: Self = Self {
        first: 0,
        earlier: 0,
        sectors: 0,
        waits: 0,
        access: None,
        low: Link::NONE,
        high: Link::NONE,
    };

    /// What it covers, if anything.
    fn span(&self) -> Option<Span> {
        let beyond = match self.sectors {
            0 => return None,
            u32::MAX => u64::MAX,
            sectors => u64::from(sectors.saturating_sub(1)),
        };
        // There is no sector with a higher number.
        Some(Span {
            first: self.first,
            last: self.first.saturating_add(beyond),
        })
    }

    /// Which of [`CLASSES`] it belongs to.
    const fn class(&self) -> usize {
        match self.sectors {
            0..=0x8 => 0,
            0x9..=0x80 => 1,
            0x81..=0x800 => 2,
            0x801..=0x8000 => 3,
            _ => 4,
        }
    }

    /// Whether it conflicts with such an access, if they overlap.
    const fn conflicts(&self, access: Access) -> bool {
        matches!(
            (self.access, access),
            (Some(_), Access::Write) | (Some(Access::Write), Access::Read)
        )
    }

    fn link(&mut self, side: Side) -> &mut Link {
        match side {
            Side::Low => &mut self.low,
            Side::High => &mut self.high,
        }
    }
}

/// How many requests are in flight. These are not more than slots, so nothing
/// here overflows, and saturating arithmetic is exact.
#[derive(Clone, Copy)]
struct Tally {
    requests: u16,
    /// How many of these are writes.
    writes: u16,
    /// How many of these wait.
    waiting: u16,
}

impl Tally {
    const NONE: Self = Self {
        requests: 0,
        writes: 0,
        waiting: 0,
    };

    /// How many there are that such an access could conflict with.
    const fn conflicting(&self, access: Access) -> u16 {
        match access {
            Access::Read => self.writes,
            Access::Write => self.requests,
        }
    }

    fn add(&mut self, node: &Node) {
        self.requests = self.requests.saturating_add(1);
        if node.access == Some(Access::Write) {
            self.writes = self.writes.saturating_add(1);
        }
        if node.waits > 0 {
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    fn subtract(&mut self, node: &Node) {
        self.requests = self.requests.saturating_sub(1);
        if node.access == Some(Access::Write) {
            self.writes = self.writes.saturating_sub(1);
        }
        if node.waits > 0 {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }
}

/// Requests of similar length that are in flight, by region.
struct Class {
    /// A region has `1 << shift` sectors, and no request of the class has more.
    shift: u32,
    /// The buckets.
    heads: [LinkId; 1 << BUCKET_BITS],
}

impl Class {
    const fn new(shift: u32) -> Self {
        Self {
            shift,
            heads: [LinkId::NONE; 1 << BUCKET_BITS],
        }
    }

    /// Calls `see` once for each request that overlaps `span`, in no particular
    /// order.
    fn each_overlap(&self, nodes: &mut [Node], span: Span, mut see: impl FnMut(u16, &mut Node)) {
        let regions = span.regions(self.shift);
        if regions.last.saturating_sub(regions.first) >= MANY_REGIONS {
            for &head in &self.heads {
                each_link(nodes, head, |slot, side, node| {
                    let overlaps = node.span().is_some_and(|other| other.overlaps(span));
                    if overlaps && side == Side::Low {
                        see(slot, node);
                    }
                });
            }
            return;
        }
        let mut region = regions.first;
        loop {
            each_link(nodes, self.head(region), |slot, side, node| {
                let Some(other) = node.span().filter(|other| other.overlaps(span)) else {
                    return;
                };
                // Other regions may be in the same bucket. What is met in two
                // regions is seen in the first one.
                let other = other.regions(self.shift);
                let is_first = match side {
                    Side::Low => region == other.first,
                    Side::High => region == other.last && region == regions.first,
                };
                if is_first {
                    see(slot, node);
                }
            });
            if region >= regions.last {
                return;
            }
            region = region.saturating_add(1);
        }
    }

    /// Links the node in `slot`, which covers `span`.
    fn insert(&mut self, nodes: &mut [Node], slot: u16, span: Span) {
        let regions = span.regions(self.shift);
        self.push(nodes, LinkId::new(slot, Side::Low), regions.first);
        if regions.last != regions.first {
            self.push(nodes, LinkId::new(slot, Side::High), regions.last);
        }
    }

    /// Takes out the node in `slot`, which covers `span`.
    fn remove(&mut self, nodes: &mut [Node], slot: u16, span: Span) {
        let regions = span.regions(self.shift);
        // The second link may be a neighbour of the first one, so it is looked
        // up only then.
        self.unlink(nodes, LinkId::new(slot, Side::Low), regions.first);
        if regions.last != regions.first {
            self.unlink(nodes, LinkId::new(slot, Side::High), regions.last);
        }
    }

    fn push(&mut self, nodes: &mut [Node], id: LinkId, region: u64) {
        let Some(head) = self.heads.get_mut(bucket(region)) else {
            return;
        };
        let next = mem::replace(head, id);
        if let Some(link) = link_mut(nodes, next) {
            link.prev = id;
        }
        if let Some(link) = link_mut(nodes, id) {
            *link = Link {
                next,
                prev: LinkId::NONE,
            };
        }
    }

    fn unlink(&mut self, nodes: &mut [Node], id: LinkId, region: u64) {
        let Some(&mut Link { next, prev }) = link_mut(nodes, id) else {
            return;
        };
        if let Some(link) = link_mut(nodes, next) {
            link.prev = prev;
        }
        match link_mut(nodes, prev) {
            Some(link) => link.next = next,
            None => {
                if let Some(head) = self.heads.get_mut(bucket(region)) {
                    *head = next;
                }
            }
        }
    }

    fn head(&self, region: u64) -> LinkId {
        let head = self.heads.get(bucket(region)).copied();
        head.unwrap_or(LinkId::NONE)
    }
}

/// The classes, without requests.
///
/// The last one is for any length. It has two regions, of which nearly always
/// only one is used.
const CLASSES: [Class; 5] = [
    Class::new(3),
    Class::new(7),
    Class::new(11),
    Class::new(15),
    Class::new(63),
];

/// Which bucket a region is in.
fn bucket(region: u64) -> usize {
    // 2^64 divided by the golden ratio spreads regions evenly that follow each
    // other at any distance. The high bits are the good ones.
    let [top, ..] = region.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    usize::from(top.wrapping_shr(u8::BITS.saturating_sub(BUCKET_BITS)))
}

/// Calls `see` for each link in the bucket that begins with `head`.
fn each_link(nodes: &mut [Node], head: LinkId, mut see: impl FnMut(u16, Side, &mut Node)) {
    let mut at = head;
    while let Some((slot, side)) = at.get() {
        let Some(node) = nodes.get_mut(usize::from(slot)) else {
            return;
        };
        at = node.link(side).next;
        see(slot, side, node);
    }
}

/// The nodes that there are slots for.
fn in_use(nodes: &mut [Node]) -> &mut [Node] {
    let slots = nodes.len().min(usize::from(MAX_SLOTS));
    nodes.get_mut(..slots).unwrap_or_default()
}

fn link_mut(nodes: &mut [Node], id: LinkId) -> Option<&mut Link> {
    let (slot, side) = id.get()?;
    Some(nodes.get_mut(usize::from(slot))?.link(side))
}

/// Sorts a list of slots, which are linked by [`Node::waits`], by when they were
/// accepted; returns its new beginning.
///
/// A merge sort from the bottom up: it needs no memory.
fn sort(nodes: &mut [Node], mut list: u16) -> u16 {
    // The bin `n` has a sorted list of `1 << n` slots, or none. There are enough
    // of them for all slots.
    let mut bins = [NO_SLOT; 16];
    while let Some(node) = nodes.get_mut(usize::from(list)) {
        let mut run = list;
        list = node.waits;
        node.waits = NO_SLOT;
        for bin in &mut bins {
            if *bin == NO_SLOT {
                *bin = run;
                break;
            }
            run = merge(nodes, *bin, run);
            *bin = NO_SLOT;
        }
    }
    bins.into_iter()
        .filter(|&bin| bin != NO_SLOT)
        .fold(NO_SLOT, |sorted, bin| merge(nodes, sorted, bin))
}

/// Merges two sorted lists.
fn merge(nodes: &mut [Node], mut one: u16, mut other: u16) -> u16 {
    let mut merged = NO_SLOT;
    let mut end = NO_SLOT;
    let mut append = |nodes: &mut [Node], slot| {
        match nodes.get_mut(usize::from(end)) {
            Some(node) => node.waits = slot,
            None => merged = slot,
        }
        end = slot;
    };
    while let (Some(a), Some(b)) = (nodes.get(usize::from(one)), nodes.get(usize::from(other))) {
        let slot = if a.earlier < b.earlier {
            mem::replace(&mut one, a.waits)
        } else {
            mem::replace(&mut other, b.waits)
        };
        append(nodes, slot);
    }
    append(nodes, if one == NO_SLOT { other } else { one });
    merged
}

/// The requests in flight on one device, and which of them wait for which.
///
/// `N` is the place for one [`Node`] per slot, allocated by the caller when the
/// device is attached. A slot is a number that no other request in flight has,
/// such as hardware queue × depth + tag.
pub struct Order<N> {
    nodes: N,
    classes: [Class; CLASSES.len()],
    /// Of each class. Apart from these, so that one cache line has all of them.
    tallies: [Tally; CLASSES.len()],
    /// Of all classes.
    total: Tally,
    /// How many requests were accepted: not as many as 64 bits count.
    accepted: u64,
}

impl<N: DerefMut<Target = [Node]>> Order<N> {
    /// No request is in flight. Slots are numbered from 0 as in `nodes`, and
    /// there are at most 32,767.
    pub fn new(mut nodes: N) -> Self {
        nodes.fill(Node::IDLE);
        Self {
            nodes,
            classes: CLASSES,
            tallies: [Tally::NONE; CLASSES.len()],
            total: Tally::NONE,
            accepted: 0,
        }
    }

    /// A request is accepted: `sectors` sectors from `start` on.
    ///
    /// It is to be handed to [`complete`](Self::complete), and until then its
    /// slot is its own. One without sectors is always ready. One of 2 TiB or
    /// more is taken to reach to the end of the device, whatever that is.
    ///
    /// # Errors
    ///
    /// [`Misuse::NoSuchSlot`] and [`Misuse::InFlight`].
    pub fn accept(
        &mut self,
        slot: u16,
        access: Access,
        start: Sectors,
        sectors: Sectors,
    ) -> Result<Verdict, Misuse> {
        let nodes = in_use(&mut self.nodes);
        let Some(place) = nodes.get(usize::from(slot)) else {
            return Err(Misuse::NoSuchSlot);
        };
        if place.access.is_some() {
            return Err(Misuse::InFlight);
        }
        let mut node = Node {
            first: start.get(),
            earlier: self.accepted,
            sectors: u32::try_from(sectors.get()).unwrap_or(u32::MAX),
            access: Some(access),
            ..Node::IDLE
        };
        self.accepted = self.accepted.saturating_add(1);

        let span = node.span();
        // Nearly always the first class has all of them.
        let mut left = self.total.conflicting(access);
        if let Some(span) = span.filter(|_| left > 0) {
            for (class, tally) in self.classes.iter().zip(&self.tallies) {
                if left == 0 {
                    break;
                }
                let here = tally.conflicting(access);
                left = left.saturating_sub(here);
                if here > 0 {
                    class.each_overlap(nodes, span, |_, other| {
                        if other.conflicts(access) {
                            // There are not more than slots.
                            node.waits = node.waits.saturating_add(1);
                        }
                    });
                }
            }
        }
        if let Some(place) = nodes.get_mut(usize::from(slot)) {
            *place = node;
        }
        let class = node.class();
        if let (Some(span), Some(class), Some(tally)) = (
            span,
            self.classes.get_mut(class),
            self.tallies.get_mut(class),
        ) {
            class.insert(nodes, slot, span);
            tally.add(&node);
            self.total.add(&node);
        }
        Ok(match node.waits {
            0 => Verdict::Ready,
            _ => Verdict::Waits,
        })
    }

    /// A request completed, with or without an error, and its slot is idle
    /// again. It need not have begun, not even if it still waits.
    ///
    /// `ready` is called for each request that waited and now may begin, in the
    /// order they were accepted. It had better only collect them, for the
    /// caller's lock is held.
    ///
    /// # Errors
    ///
    /// [`Misuse::NoSuchSlot`] and [`Misuse::Idle`].
    pub fn complete(&mut self, slot: u16, mut ready: impl FnMut(u16)) -> Result<(), Misuse> {
        let nodes = in_use(&mut self.nodes);
        let Some(place) = nodes.get_mut(usize::from(slot)) else {
            return Err(Misuse::NoSuchSlot);
        };
        let node = *place;
        let Some(access) = mem::take(&mut place.access) else {
            return Err(Misuse::Idle);
        };
        let class = node.class();
        let (Some(span), Some(class), Some(tally)) = (
            node.span(),
            self.classes.get_mut(class),
            self.tallies.get_mut(class),
        ) else {
            return Ok(());
        };
        class.remove(nodes, slot, span);
        tally.subtract(&node);
        self.total.subtract(&node);
        if self.total.waiting == 0 {
            return Ok(());
        }

        let mut list = NO_SLOT;
        for (class, tally) in self.classes.iter().zip(&mut self.tallies) {
            if tally.waiting == 0 {
                continue;
            }
            class.each_overlap(nodes, span, |slot, other| {
                // All of these counted it when they were accepted.
                if other.earlier > node.earlier && other.conflicts(access) {
                    other.waits = other.waits.saturating_sub(1);
                    if other.waits == 0 {
                        tally.waiting = tally.waiting.saturating_sub(1);
                        self.total.waiting = self.total.waiting.saturating_sub(1);
                        other.waits = list;
                        list = slot;
                    }
                }
            });
        }
        if list == NO_SLOT {
            return Ok(());
        }
        list = sort(nodes, list);
        while let Some(node) = nodes.get_mut(usize::from(list)) {
            let slot = mem::replace(&mut list, node.waits);
            node.waits = 0;
            ready(slot);
        }
        Ok(())
    }
}
