//! The responses of the issuer, each kept for a bounded time. Bounded in number; tokens themselves are
//! not kept.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use palisade_core::Principal;

use crate::{error::InvalidToken, verifier::cache::TokenDigest};

/// What the issuer said about a token.
#[derive(Clone, Debug)]
pub(super) enum ServedResponse {
    /// The token is valid until the time, by the wall clock.
    Active(Principal, Option<Duration>),
    /// The token is refused.
    Refused(InvalidToken),
}

/// A response and when it came.
#[derive(Clone)]
pub(super) struct KnownAnswer {
    pub(super) response: ServedResponse,
    /// By the monotonic clock.
    pub(super) came: Duration,
}

/// Answers of one kind. When it is full, the oldest is dropped.
pub(super) struct AnswerCache {
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    responses: HashMap<TokenDigest, KnownAnswer>,
    /// In the order in which they came, with those that were replaced.
    order: VecDeque<(TokenDigest, Duration)>,
}

impl AnswerCache {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inner: Mutex::default(),
        }
    }

    pub(super) fn get(&self, token: &TokenDigest) -> Option<KnownAnswer> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.responses.get(token).cloned()
    }

    pub(super) fn remove(&self, token: &TokenDigest) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.responses.remove(token);
    }

    pub(super) fn put(&self, token: TokenDigest, known: KnownAnswer) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.order.push_back((token, known.came));
        inner.responses.insert(token, known);
        // An entry of the order whose answer was replaced or removed is dropped without effect.
        while inner.responses.len() > self.capacity || inner.order.len() > self.capacity * 2 {
            let Some((oldest, came)) = inner.order.pop_front() else {
                break;
            };
            if inner
                .responses
                .get(&oldest)
                .is_some_and(|it| it.came == came)
            {
                inner.responses.remove(&oldest);
            }
        }
    }

    #[cfg(test)]
    fn len(&self) -> (usize, usize) {
        let inner = self.inner.lock().unwrap();
        (inner.responses.len(), inner.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_capacity_and_drops_the_oldest() {
        let cache = AnswerCache::new(8);
        let known = |came| KnownAnswer {
            response: ServedResponse::Refused(InvalidToken::Inactive),
            came: Duration::from_secs(came),
        };
        for number in 0..100_u8 {
            cache.put([number; 32], known(u64::from(number)));
            cache.put([0; 32], known(1000 + u64::from(number)));
            let (responses, order) = cache.len();
            assert!(responses <= 8 && order <= 16, "{responses} {order}");
        }
        assert!(cache.get(&[0; 32]).is_some(), "it was renewed");
        assert!(cache.get(&[99; 32]).is_some());
        assert!(cache.get(&[50; 32]).is_none());
        cache.remove(&[99; 32]);
        assert!(cache.get(&[99; 32]).is_none());
    }
}
