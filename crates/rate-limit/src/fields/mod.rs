//! How the standing of limits is told to clients.

mod draft10;
mod legacy;
mod seconds;

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};
use palisade_core::Rejection;

use self::seconds::Seconds;
use crate::{Limit, Standing, rate::MOST_RATES};

/// In which form answers tell how the limits stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10.
    Draft10,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` of the limit that binds first.
    Legacy(Reset),
}

/// What `X-RateLimit-Reset` holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reset {
    /// Seconds from now.
    Delta,
    /// Seconds since the Unix epoch.
    Epoch,
}

/// One limit to be told about.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) limit: &'a Limit,
    pub(crate) standing: Standing,
}

impl Line<'_> {
    /// Never more than the quota, also where the burst is larger.
    fn remaining(&self) -> u32 {
        let left = self.limit.gcra.remaining(self.standing.backlog);
        left.min(self.quota())
    }

    fn quota(&self) -> u32 {
        self.limit.rate.amount().get()
    }

    /// Whole seconds until more can be had; rounded up, so that nobody comes too early. 0 if there
    /// is no more than is told already.
    fn more_in(&self) -> u64 {
        if self.remaining() == self.quota() {
            return 0;
        }
        self.limit
            .gcra
            .more_in(self.standing.backlog)
            .div_ceil(NANOSECONDS)
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

/// Writes the fields. What does not change is made once.
#[derive(Debug)]
pub(crate) struct Fields {
    draft10: Option<Box<[OnceLock<HeaderValue>]>>,
    legacy: Option<Reset>,
    seconds: Seconds,
}

impl Fields {
    /// Prepares for so many limits.
    pub(crate) fn new(styles: &[HeaderStyle], limits: usize) -> Self {
        let sets = || {
            (0..1_usize << limits.min(MOST_RATES))
                .map(|_| OnceLock::new())
                .collect()
        };
        let legacy = styles.iter().find_map(|style| match style {
            HeaderStyle::Legacy(reset) => Some(*reset),
            HeaderStyle::Draft10 => None,
        });
        Self {
            draft10: styles.contains(&HeaderStyle::Draft10).then(sets),
            legacy,
            seconds: Seconds::default(),
        }
    }

    /// Dresses an answer that was admitted. `set` is the set of limits as bits, if it is one of those that are ready.
    pub(crate) fn dress<'a>(
        &self,
        headers: &mut HeaderMap,
        set: Option<usize>,
        lines: impl Iterator<Item = Line<'a>> + Clone,
        unix_time: impl FnOnce() -> u64,
    ) {
        if let Some(policy) = self.policy(set, lines.clone()) {
            headers.append(draft10::RATE_LIMIT_POLICY, policy);
            if let Some(standing) = draft10::standing(lines.clone()) {
                headers.append(draft10::RATE_LIMIT, standing);
            }
        }
        if let Some(reset) = self.legacy {
            legacy::dress(headers, lines, reset, unix_time);
        }
    }

    /// Tells a refused client when to come back.
    pub(crate) fn call_back(&self, rejection: Rejection, seconds: u64) -> Rejection {
        rejection.with_header(RETRY_AFTER, self.seconds.value(seconds))
    }

    /// Dresses a refusal.
    pub(crate) fn dress_refusal<'a>(
        &self,
        mut rejection: Rejection,
        set: Option<usize>,
        lines: impl Iterator<Item = Line<'a>> + Clone,
        unix_time: impl FnOnce() -> u64,
    ) -> Rejection {
        if let Some(policy) = self.policy(set, lines.clone()) {
            rejection = rejection.with_header(draft10::RATE_LIMIT_POLICY, policy);
            if let Some(standing) = draft10::standing(lines.clone()) {
                rejection = rejection.with_header(draft10::RATE_LIMIT, standing);
            }
        }
        if let Some(reset) = self.legacy {
            for (name, value) in legacy::fields(lines, reset, unix_time) {
                rejection = rejection.with_header(name, value);
            }
        }
        rejection
    }

    /// Returns the description of some limits, made once for each set; if it is wanted.
    fn policy<'a>(
        &self,
        set: Option<usize>,
        lines: impl Iterator<Item = Line<'a>>,
    ) -> Option<HeaderValue> {
        let sets = self.draft10.as_ref()?;
        let make = || draft10::policy(lines.map(|line| line.limit));
        let Some(ready) = set.and_then(|set| sets.get(set)) else {
            return make();
        };
        if let Some(value) = ready.get() {
            return Some(value.clone());
        }
        let value = make()?;
        Some(ready.get_or_init(|| value).clone())
    }
}
