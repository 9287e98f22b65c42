//! For every change there is, not only for those we thought of.

use std::sync::OnceLock;

use palisade_audit::{AuditKey, FileSink, VerifyOptions};
use proptest::prelude::*;

use crate::support::{close, serve, written};

fn key() -> AuditKey {
    AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").unwrap()
}

fn is_found(bytes: &[u8], options: &VerifyOptions) -> bool {
    !palisade_audit::verify(bytes, options).is_ok_and(|report| report.is_intact())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn plain() -> &'static [u8] {
    static TRAIL: OnceLock<Vec<u8>> = OnceLock::new();
    TRAIL.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        block_on(written(&path, 6));
        std::fs::read(path).unwrap()
    })
}

fn keyed() -> &'static [u8] {
    static TRAIL: OnceLock<Vec<u8>> = OnceLock::new();
    TRAIL.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        block_on(async {
            let sink = FileSink::builder(&path).key(key()).open().unwrap();
            serve(&sink, 6).await;
            close(&sink).await;
        });
        std::fs::read(path).unwrap()
    })
}

#[test]
fn every_byte_that_is_flipped_is_found() {
    for place in 0..plain().len() {
        let mut bytes = plain().to_vec();
        bytes[place] ^= 0x20; // Upper case for lower, among others.
        assert!(is_found(&bytes, &VerifyOptions::new()), "byte {place}");
    }
}

proptest! {
    #[test]
    fn every_byte_of_a_keyed_trail_counts(place in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = keyed().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(is_found(&bytes, &VerifyOptions::new().key(key())));
    }

    #[test]
    fn every_cut_is_found_by_an_anchor(place in any::<prop::sample::Index>()) {
        let last = palisade_audit::verify(plain(), &VerifyOptions::new()).unwrap().last;
        let cut = &plain()[..place.index(plain().len())];
        prop_assert!(is_found(cut, &VerifyOptions::new().anchor(last)));
    }

    #[test]
    fn bytes_that_are_put_in_are_found(
        place in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let place = place.index(plain().len());
        let (before, after) = plain().split_at(place);
        let changed = [before, &bytes, after].concat();
        prop_assert!(is_found(&changed, &VerifyOptions::new()));
    }

    #[test]
    fn what_is_taken_out_is_found(
        from in any::<prop::sample::Index>(),
        length in 1_usize..400,
    ) {
        let bytes = plain();
        let from = from.index(bytes.len());
        let to = (from + length).min(bytes.len());
        // What reaches to the end is a cut tail, which only an anchor finds.
        prop_assume!(to < bytes.len());
        let changed = [&bytes[..from], &bytes[to..]].concat();
        prop_assert!(is_found(&changed, &VerifyOptions::new()));
    }

    #[test]
    fn nothing_that_is_read_makes_verification_panic(bytes: Vec<u8>) {
        prop_assert!(is_found(&bytes, &VerifyOptions::new()));
    }
}
