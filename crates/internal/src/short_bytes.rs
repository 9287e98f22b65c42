//! Short byte strings that share an allocation: values of header fields, of which each response has several.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};

/// The size of one allocation in bytes. A string that is kept keeps all of it, so it is small.
const CHUNK: usize = 2048;
/// The smallest rest of an allocation that is still used.
const LEAST_REST: usize = 128;

thread_local! {
    /// What is left of the allocation that this thread writes into.
    static REST: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Writes a byte string, and returns it. Nearly always without an allocation.
///
/// A thread writes its strings one after the other into allocations of 2 KiB. An allocation is used again when all of
/// its strings were dropped. So use it for strings that live as long as a response, not for those that are kept.
///
/// ```
/// use palisade_internal::short_bytes;
///
/// let value = short_bytes::write(|text| {
///     text.extend_from_slice(b"max-age=");
///     text.extend_from_slice(b"60");
/// });
/// assert_eq!(value, "max-age=60");
/// ```
pub fn write(write: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut write = Some(write);
    let shared = REST.try_with(|rest| {
        let mut rest = rest.try_borrow_mut().ok()?;
        Some(write_into(&mut rest, write.take()?))
    });
    match (shared, write) {
        (Ok(Some(written)), _) => written,
        // The thread ends, or `write` calls this function.
        (_, Some(write)) => write_into(&mut BytesMut::new(), write),
        (_, None) => Bytes::new(),
    }
}

/// Writes at the end of an allocation and splits it off.
fn write_into(rest: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) -> Bytes {
    rest.clear(); // What a panic left.
    if rest.capacity() < LEAST_REST {
        rest.reserve(CHUNK);
    }
    write(rest);
    rest.split().freeze()
}

/// Copies a byte string, as [`write()`] does.
///
/// ```
/// use palisade_internal::short_bytes;
///
/// assert_eq!(short_bytes::copy_of(b"no-store"), "no-store");
/// ```
#[must_use]
pub fn copy_of(bytes: &[u8]) -> Bytes {
    write(|copy| copy.extend_from_slice(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_every_length_are_whole_and_stay_so() {
        let text = |number: usize| vec![b'a' + (number % 26) as u8; number * 7 % 5000];
        let written: Vec<Bytes> = (0..1000).map(|number| copy_of(&text(number))).collect();
        for (number, written) in written.iter().enumerate() {
            assert_eq!(*written, text(number), "{number}");
        }
    }

    #[test]
    fn a_string_may_be_written_while_another_one_is() {
        let outer = write(|outer| {
            outer.extend_from_slice(b"before ");
            outer.extend_from_slice(&copy_of(b"within"));
            outer.extend_from_slice(b" after");
        });
        assert_eq!(outer, "before within after");
    }

    #[test]
    fn a_panic_leaves_nothing_of_its_string() {
        let panicked = std::panic::catch_unwind(|| {
            write(|text| {
                text.extend_from_slice(b"half");
                panic!("a test");
            })
        });
        assert!(panicked.is_err());
        assert_eq!(copy_of(b"whole"), "whole");
    }

    #[test]
    fn an_allocation_is_used_again_when_its_strings_were_dropped() {
        let first = copy_of(&[b'a'; CHUNK / 2]).as_ptr();
        let within = (0..100).map(|_| copy_of(&[b'b'; CHUNK / 2]).as_ptr());
        assert!(within.into_iter().any(|next| next == first));
    }
}
