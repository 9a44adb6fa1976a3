// SPDX-License-Identifier: GPL-2.0

//! A queue of requests, first in, first out, without allocation.

use crate::block::{Operations, Request};
use core::{marker::PhantomData, mem, ptr::NonNull};
use kernel::{bindings, container_of};

/// Requests chained by their own `queuelist` node, used as a singly linked list through `next`.
///
/// Dropping a list ends its requests as dropping each of them would.
///
/// # Invariants
///
/// `ends`, if present, is the first and last of a chain of nodes of requests that were given up to
/// this list; the `next` of every node but the last points to its successor.
pub(crate) struct RequestList<T: Operations> {
    ends: Option<(NonNull<bindings::list_head>, NonNull<bindings::list_head>)>,
    _requests: PhantomData<Request<T>>,
}

// SAFETY: The list owns its requests, which are `Send`.
unsafe impl<T: Operations> Send for RequestList<T> {}

impl<T: Operations> RequestList<T> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Empty.
        Self {
            ends: None,
            _requests: PhantomData,
        }
    }

    /// Whether there is no request in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_none()
    }

    /// Appends a request.
    pub(crate) fn push_back(&mut self, rq: Request<T>) {
        let rq = rq.into_raw();
        // SAFETY: The request is owned by this list from now on; `queuelist` is the owner's to use.
        let node =
            unsafe { NonNull::new_unchecked(&raw mut (*rq.as_ptr()).__bindgen_anon_1.queuelist) };
        // INVARIANT: `node` becomes the last; the previous last, if any, points to it.
        self.ends = match self.ends {
            None => Some((node, node)),
            Some((first, last)) => {
                // SAFETY: `last` is the node of a request this list owns.
                unsafe { (*last.as_ptr()).next = node.as_ptr() };
                Some((first, node))
            }
        };
    }

    /// Takes the first request.
    pub(crate) fn pop_front(&mut self) -> Option<Request<T>> {
        let (first, last) = self.ends?;
        // INVARIANT: The chain now begins at the successor of `first`, if there is one.
        self.ends = if first == last {
            None
        } else {
            // SAFETY: `first` is a node of this list, and not the last, so its `next` is a node.
            let next = unsafe { NonNull::new_unchecked((*first.as_ptr()).next) };
            Some((next, last))
        };
        // SAFETY: All nodes of the list are `queuelist`s of requests.
        let rq = unsafe {
            container_of!(
                first.as_ptr(),
                bindings::request,
                __bindgen_anon_1.queuelist
            )
        };
        // SAFETY: The request was given up in `push_back()`, and has left the list.
        Some(unsafe { Request::from_raw(NonNull::new_unchecked(rq)) })
    }

    /// Appends all requests of another list.
    pub(crate) fn append(&mut self, mut other: Self) {
        // INVARIANT: The last node of the one points to the first of the other.
        self.ends = match (self.ends.take(), other.ends.take()) {
            (None, ends) | (ends, None) => ends,
            (Some((first, last)), Some((next, end))) => {
                // SAFETY: `last` is the node of a request this list owns.
                unsafe { (*last.as_ptr()).next = next.as_ptr() };
                Some((first, end))
            }
        };
    }

    /// Takes all requests, leaving the list empty.
    pub(crate) fn take_all(&mut self) -> Self {
        mem::replace(self, Self::new())
    }
}

impl<T: Operations> Iterator for RequestList<T> {
    type Item = Request<T>;

    fn next(&mut self) -> Option<Request<T>> {
        self.pop_front()
    }
}

impl<T: Operations> Drop for RequestList<T> {
    fn drop(&mut self) {
        while let Some(rq) = self.pop_front() {
            drop(rq);
        }
    }
}

#[kernel::prelude::kunit_tests(rloop_block_request_list)]
mod tests {
    use super::*;
    use crate::block::test_disk::TestDriver;
    use core::ptr::dangling_mut;
    use kernel::prelude::*;

    type List = RequestList<TestDriver>;

    /// Requests that are on no queue: good for lists only.
    struct Requests(KVec<bindings::request>);

    impl Requests {
        fn new() -> Result<Self> {
            let mut requests = KVec::new();
            for _ in 0..3 {
                // SAFETY: All zeroes will do for a request that only its list node is used of.
                let mut rq = unsafe { mem::zeroed::<bindings::request>() };
                // What another list may have left there.
                rq.__bindgen_anon_1.queuelist.next = dangling_mut();
                requests.push(rq, GFP_KERNEL)?;
            }
            Ok(Self(requests))
        }

        fn push(&mut self, list: &mut List, index: usize) {
            let rq = NonNull::from(&mut self.0[index]);
            // SAFETY: A list looks at its node only, and the request is given up again by `pop()`.
            list.push_back(unsafe { Request::from_raw(rq) });
        }

        /// The index of the first request of a list.
        fn pop(&self, list: &mut List) -> Option<usize> {
            let rq = list.pop_front()?.into_raw();
            self.0
                .iter()
                .position(|known| ::core::ptr::eq(known, rq.as_ptr()))
        }

        /// The same until the list is empty, and what it says then.
        fn pop_all(&self, list: &mut List) -> [Option<usize>; 4] {
            ::core::array::from_fn(|_| self.pop(list))
        }
    }

    #[test]
    fn first_in_first_out() -> Result {
        let mut requests = Requests::new()?;
        let mut list = List::new();
        for index in 0..3 {
            requests.push(&mut list, index);
        }
        let order = requests.pop_all(&mut list);
        assert_eq!(order, [Some(0), Some(1), Some(2), None]);
        Ok(())
    }

    #[test]
    fn is_empty_before_the_first_and_after_the_last() -> Result {
        let mut requests = Requests::new()?;
        let mut list = List::new();
        let before = list.is_empty();
        requests.push(&mut list, 0);
        let with = list.is_empty();
        requests.pop(&mut list);
        let after = list.is_empty();
        assert_eq!((before, with, after), (true, false, true));
        Ok(())
    }

    #[test]
    fn emptied_list_can_be_filled_again() -> Result {
        let mut requests = Requests::new()?;
        let mut list = List::new();
        requests.push(&mut list, 0);
        requests.pop(&mut list);
        requests.push(&mut list, 2);
        requests.push(&mut list, 1);
        let order = requests.pop_all(&mut list);
        assert_eq!(order, [Some(2), Some(1), None, None]);
        Ok(())
    }

    #[test]
    fn pushing_and_popping_may_alternate() -> Result {
        let mut requests = Requests::new()?;
        let mut list = List::new();
        requests.push(&mut list, 0);
        requests.push(&mut list, 1);
        let first = requests.pop(&mut list);
        requests.push(&mut list, 2);
        let rest = requests.pop_all(&mut list);
        assert_eq!(first, Some(0));
        assert_eq!(rest, [Some(1), Some(2), None, None]);
        Ok(())
    }

    #[test]
    fn appending_keeps_the_order_of_both() -> Result {
        let mut requests = Requests::new()?;
        let (mut list, mut other) = (List::new(), List::new());
        requests.push(&mut list, 1);
        requests.push(&mut other, 2);
        requests.push(&mut other, 0);
        list.append(other);
        let order = requests.pop_all(&mut list);
        assert_eq!(order, [Some(1), Some(2), Some(0), None]);
        Ok(())
    }

    #[test]
    fn appending_to_or_of_an_empty_list() -> Result {
        let mut requests = Requests::new()?;
        let (mut list, mut other) = (List::new(), List::new());
        requests.push(&mut other, 2);
        list.append(other);
        list.append(List::new());
        requests.push(&mut list, 0);
        let order = requests.pop_all(&mut list);
        assert_eq!(order, [Some(2), Some(0), None, None]);
        Ok(())
    }

    #[test]
    fn all_are_taken_in_order() -> Result {
        let mut requests = Requests::new()?;
        let mut list = List::new();
        for index in 0..3 {
            requests.push(&mut list, index);
        }
        let mut taken = list.take_all();
        let empty = list.is_empty();
        let order = requests.pop_all(&mut taken);
        assert!(empty);
        assert_eq!(order, [Some(0), Some(1), Some(2), None]);
        Ok(())
    }
}
