//! The keyed hashes under which subjects are found.
//!
//! The keys are random for each store, so that no client can choose subjects that collide. A snapshot keeps
//! them: buckets are found by them alone.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    net::IpAddr,
};

use siphasher::sip::SipHasher13;

use crate::{policy::Subject, store::BucketKey};

/// The keys of the hashes of a store.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct HashKeys {
    /// That of subjects.
    pub(super) subject: [u64; 2],
    /// Those of the networks around subjects. The second and the third are odd.
    pub(super) networks: [u64; 3],
}

impl fmt::Debug for HashKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKeys")
    }
}

impl HashKeys {
    /// Makes random keys.
    pub(super) fn random() -> Self {
        let (subject, networks) = (RandomState::new(), RandomState::new());
        Self {
            subject: [0_u8, 1].map(|index| subject.hash_one(index)),
            // Odd, so that a multiplication loses nothing.
            networks: [0_u8, 1, 2].map(|index| networks.hash_one(index) | 1),
        }
    }

    /// Returns the keyed hash of a subject.
    pub(super) fn hash(&self, subject: &Subject<'_>) -> u64 {
        let [first, second] = self.subject;
        let mut hasher = SipHasher13::new_with_keys(first, second);
        match subject {
            Subject::Network { first, prefix } => write_network(&mut hasher, *first, *prefix),
            Subject::Everyone | Subject::Named { .. } => {
                subject.write(&mut |part| hasher.write(part));
            }
        }
        hasher.finish()
    }

    /// Returns the keyed hash of a network or group around a subject. It selects a shared bucket or a counter, and
    /// is not the name of a bucket, so a network needs no SipHash: two subjects with one hash only share what their
    /// neighbors share.
    fn hash_around(&self, wider: &Subject<'_>) -> u64 {
        match *wider {
            Subject::Network { first, prefix } => {
                let [add, multiply, multiply_again] = self.networks;
                let folded = fold_product(network_bits(first, prefix) ^ add, multiply);
                fold_product(folded ^ add, multiply_again)
            }
            Subject::Everyone | Subject::Named { .. } => self.hash(wider),
        }
    }

    /// Returns the bucket of a subject. `hash` is its own, which stands for a network or group that it has not.
    pub(super) fn bucket_around(&self, own: u128, hash: u64, subject: &Subject<'_>) -> BucketKey {
        let around =
            |wider: Option<Subject<'_>>| wider.map_or(hash, |wider| self.hash_around(&wider));
        BucketKey {
            own,
            coarse: around(subject.coarser()),
            region: around(subject.region()),
        }
    }
}

/// Writes a network as whole numbers, for which the hasher needs no buffer. Its first byte is none with which
/// another subject begins.
fn write_network(hasher: &mut impl Hasher, first: IpAddr, prefix: u8) {
    let kind = |tag: u8| u64::from(tag) | u64::from(prefix) << 8;
    match first {
        IpAddr::V4(first) => hasher.write_u64(kind(b'4') | u64::from(first.to_bits()) << 16),
        IpAddr::V6(first) => {
            let [high, low] = [
                first.to_bits() >> 64,
                first.to_bits() & u128::from(u64::MAX),
            ];
            hasher.write_u64(kind(b'6'));
            hasher.write_u64(u64::try_from(high).unwrap_or(u64::MAX));
            hasher.write_u64(u64::try_from(low).unwrap_or(u64::MAX));
        }
    }
}

/// Returns the first bits of a network that is at most an IPv6 /48, with its length in the bits below them.
fn network_bits(first: IpAddr, prefix: u8) -> u64 {
    let length = u64::from(prefix);
    match first {
        IpAddr::V4(first) => u64::from(first.to_bits()) << 16 | length << 8 | 4,
        IpAddr::V6(first) => {
            u64::try_from(first.to_bits() >> 64).unwrap_or(u64::MAX) ^ (length << 8 | 6)
        }
    }
}

/// Multiplies two numbers and folds the product into 64 bits.
fn fold_product(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    #[allow(clippy::cast_possible_truncation)] // The two halves.
    let folded = product as u64 ^ (product >> 64) as u64;
    folded
}
