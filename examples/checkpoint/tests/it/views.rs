//! Hostile views: what a checkpoint says of where a tensor lies in its storage.

use super::{
    archives::{Claim, claimed, refused, small},
    read,
};

/// Replaces the place of the one tensor in [`small`]: its offset, shape and strides, as instructions.
pub(super) fn viewed(from: &[u8], to: &[u8]) -> Vec<Claim> {
    let mut claims = small();
    let pickle = &mut claims[0].content;
    let at = pickle
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    pickle.splice(at..at + from.len(), to.iter().copied());
    claims[0].size = claims[0].content.len() as u32;
    claims
}

#[test]
fn shapes_and_strides_stay_in_their_storage() {
    let place = b"K\x00K\x04\x85K\x01\x85";
    for (to, says) in [
        // One value too many, by size, by offset, by stride.
        (b"K\x00K\x05\x85K\x01\x85".as_slice(), "outside"),
        (b"K\x01K\x04\x85K\x01\x85", "outside"),
        (b"K\x00K\x04\x85K\x02\x85", "outside"),
        // A stride of zero repeats a value without end.
        (b"K\x00J\xff\xff\xff\x7f\x85K\x00\x85", "outside"),
        // Products that overflow.
        (b"K\x00\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x02\x86\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86", "outside"),
        (b"K\x00K\x02K\x02\x86\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86", "outside"),
        (b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x04\x85K\x01\x85", "outside"),
        // Negative, of another rank, of no numbers, of too many dimensions.
        (b"J\xff\xff\xff\xffK\x04\x85K\x01\x85", "unknown way"),
        (b"K\x00J\xfe\xff\xff\xff\x85K\x01\x85", "unknown way"),
        (b"K\x00K\x04\x85K\x01K\x01\x86", "unknown way"),
        (b"K\x00N\x85K\x01\x85", "unknown way"),
        (b"K\x00(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t", "unknown way"),
    ] {
        refused(&viewed(place, to), says);
    }
    // Values in another order are put in order.
    let swapped = viewed(place, b"K\x00K\x02K\x02\x86K\x01K\x02\x86");
    assert_eq!(
        read("am_small.pth", &claimed(&swapped)).unwrap()["w"].dims(),
        [2, 2]
    );
}

#[test]
fn tensors_that_are_no_floats_are_named_by_their_type() {
    for (class, says) in [
        ("BoolStorage", "bool"),
        ("IntStorage", "int32"),
        ("LongStorage", "int64"),
        ("ComplexFloatStorage", "complex64"),
        ("QInt8Storage", "qint8"),
        ("MadeUpStorage", "unknown type"),
    ] {
        refused(&viewed(b"FloatStorage", class.as_bytes()), says);
    }
}
