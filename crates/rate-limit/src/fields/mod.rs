//! The header fields that state limits to clients: draft 10, draft 6, and the older `X-RateLimit-*`.
//!
//! The layer calls [`LimitFields::add_to_response`] for admitted requests and
//! [`LimitFields::add_to_refusal`] for 429. What does not change (descriptions of limits, small numbers)
//! is rendered once. A value that cannot be rendered is left out; the request is not affected.

mod draft10;
mod legacy;
mod partition;
mod text;

use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};
use palisade_core::Rejection;

pub(crate) use self::partition::PartitionKey;
use self::{legacy::NumberFields, text::decimal_value};
use crate::{policy::Limit, rate::MAX_RATES, store::LimitState};

/// The form in which responses state the limits. Default: [`Draft10`](Self::Draft10) alone.
///
/// Several can be sent together. Redirects carry no fields, because caches keep them. A refusal has
/// `Retry-After` in every form, also if no style is chosen. A response whose store could not be reached has none.
///
/// ```
/// use palisade_rate_limit::{HeaderStyle, Policy, RateLimitLayer, ResetFormat};
///
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("all").rate("60/minute")?)
///     .headers([HeaderStyle::Draft10, HeaderStyle::Legacy(ResetFormat::Epoch)])
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10, with every limit that
    /// counted the request:
    ///
    /// ```text
    /// RateLimit-Policy: "tts";q=10;w=60
    /// RateLimit: "tts";r=7;t=6
    /// ```
    ///
    /// Two layers on the way to a handler write into one line, the inner one first.
    ///
    /// `q` is the quota and `w` the window in seconds; `r` is what remains and `t` the seconds until there is
    /// more.
    Draft10,
    /// `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` of draft-ietf-httpapi-ratelimit-headers-06, for
    /// the limit that refuses first, and `RateLimit-Policy` with the quotas of all:
    ///
    /// ```text
    /// RateLimit-Policy: 10;w=60
    /// RateLimit-Limit: 10
    /// RateLimit-Remaining: 7
    /// RateLimit-Reset: 6
    /// ```
    ///
    /// Beside [`Draft10`](Self::Draft10), `RateLimit-Policy` is that of draft 10.
    Draft6,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` of the limit that refuses first.
    /// No standard defines them:
    ///
    /// ```text
    /// X-RateLimit-Limit: 10
    /// X-RateLimit-Remaining: 7
    /// X-RateLimit-Reset: 6
    /// ```
    Legacy(ResetFormat),
}

impl HeaderStyle {
    /// Returns the three fields with numbers that a style has.
    fn numbers(&self) -> Option<NumberFields> {
        match self {
            Self::Draft10 => None,
            Self::Draft6 => Some(NumberFields::draft6()),
            Self::Legacy(reset) => Some(NumberFields::legacy(*reset)),
        }
    }
}

/// What `X-RateLimit-Reset` holds.
///
/// Services differ here, and a client cannot tell which one it is: choose what the clients of this service expect.
/// In both, the time is that at which more units are available, rounded up to whole seconds.
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{HeaderStyle, Policy, RateLimitLayer, ResetFormat};
///
/// // For clients written for an interface that sends seconds since the epoch.
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("client").rate("60/minute")?)
///     .headers([HeaderStyle::Legacy(ResetFormat::Epoch)])
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResetFormat {
    /// Seconds from now, such as `6`.
    Delta,
    /// Seconds since the Unix epoch, such as `1800000006`. Right only for clients whose clock is right.
    Epoch,
}

/// One limit that the header fields report.
#[derive(Clone, Copy)]
pub(crate) struct FieldItem<'a> {
    /// The limit: its name, its quota and its window.
    pub(crate) limit: &'a Limit,
    /// What the store said about its bucket.
    pub(crate) limit_state: LimitState,
    /// `None`: the layer does not send partition keys.
    pub(crate) partition: Option<PartitionKey>,
}

impl FieldItem<'_> {
    /// Returns the remaining units, at most the quota, even if the burst is larger.
    fn remaining(&self) -> u32 {
        let left = self.limit.gcra.remaining(self.limit_state.backlog);
        left.min(self.quota())
    }

    /// Returns the units of one window.
    fn quota(&self) -> u32 {
        self.limit.rate.amount().get()
    }

    /// Returns the seconds until more units are available, rounded up so that no client retries too
    /// early. 0 if the bucket holds as much as is reported.
    fn more_in(&self) -> u64 {
        self.numbers().1
    }

    /// Returns [`remaining`](Self::remaining) and [`more_in`](Self::more_in) together.
    fn numbers(&self) -> (u32, u64) {
        let (backlog, gcra) = (self.limit_state.backlog, &self.limit.gcra);
        let left = gcra.remaining(backlog);
        let remaining = left.min(self.quota());
        if remaining == self.quota() {
            return (remaining, 0);
        }
        let more_in = gcra.more_in(left, backlog).div_ceil(NANOSECONDS);
        (remaining, more_in)
    }
}

/// Nanoseconds of a second. Backlogs are in nanoseconds, header fields in seconds.
const NANOSECONDS: u64 = 1_000_000_000;

/// Writes the header fields. What does not change is rendered once.
#[derive(Debug)]
pub(crate) struct LimitFields {
    /// The form of `RateLimit-Policy`, and its value for each set of limits.
    policy: Option<(PolicyForm, Box<[OnceLock<HeaderValue>]>)>,
    /// `RateLimit` of draft 10.
    has_states: bool,
    /// The sets of `X-RateLimit-*` or `RateLimit-*` fields to send, in the order in which they were
    /// asked for.
    numbers: Box<[NumberFields]>,
    /// Texts of small numbers, ready to be sent: most values are below a minute.
    seconds: ReadySeconds,
}

/// The draft whose `RateLimit-Policy` is sent. Both have one of that name.
#[derive(Clone, Copy, Debug)]
enum PolicyForm {
    Draft10,
    Draft6,
}

impl LimitFields {
    /// Prepares the fields for this number of limits.
    pub(crate) fn new(styles: &[HeaderStyle], limits: usize) -> Self {
        let sets = || {
            (0..1_usize << limits.min(MAX_RATES))
                .map(|_| OnceLock::new())
                .collect()
        };
        let has_states = styles.contains(&HeaderStyle::Draft10);
        let form = match has_states {
            true => Some(PolicyForm::Draft10),
            false => styles
                .contains(&HeaderStyle::Draft6)
                .then_some(PolicyForm::Draft6),
        };
        let mut numbers: Vec<NumberFields> = Vec::new();
        for fields in styles.iter().filter_map(HeaderStyle::numbers) {
            if numbers.iter().all(|known| known.names != fields.names) {
                numbers.push(fields);
            }
        }
        Self {
            policy: form.map(|form| (form, sets())),
            has_states,
            numbers: numbers.into(),
            seconds: ReadySeconds::default(),
        }
    }

    /// Returns the names of the fields of admitted responses.
    pub(crate) fn names(&self) -> impl Iterator<Item = HeaderName> {
        let policy = self.policy.is_some().then_some(draft10::RATE_LIMIT_POLICY);
        let states = self.has_states.then_some(draft10::RATE_LIMIT);
        let numbers = self.numbers.iter().flat_map(|fields| fields.names.clone());
        policy.into_iter().chain(states).chain(numbers)
    }

    /// Adds the fields to the response of an admitted request.
    ///
    /// `set` is the set of limits as bits, if it is one that was rendered in advance.
    pub(crate) fn add_to_response<'a>(
        &self,
        headers: &mut HeaderMap,
        set: Option<usize>,
        items: &(impl Iterator<Item = FieldItem<'a>> + Clone),
        unix_time: impl Fn() -> u64,
    ) {
        if let Some(policy) = self.policy(set, items.clone()) {
            draft10::add_policy(headers, policy);
        }
        if self.has_states {
            draft10::add_rate_limit(headers, items.clone());
        }
        for numbers in &self.numbers {
            numbers.add(headers, items.clone(), &unix_time);
        }
    }

    /// Adds `Retry-After` to a refusal.
    pub(crate) fn with_retry_after(&self, rejection: Rejection, seconds: u64) -> Rejection {
        rejection.with_header(RETRY_AFTER, self.seconds.value(seconds))
    }

    /// Adds the fields to a refusal.
    pub(crate) fn add_to_refusal<'a>(
        &self,
        mut rejection: Rejection,
        set: Option<usize>,
        items: &(impl Iterator<Item = FieldItem<'a>> + Clone),
        unix_time: impl Fn() -> u64,
    ) -> Rejection {
        if let Some(policy) = self.policy(set, items.clone()) {
            rejection = rejection.with_header(draft10::RATE_LIMIT_POLICY, policy);
        }
        if self.has_states
            && let Some(value) = draft10::rate_limit_value(items.clone())
        {
            rejection = rejection.with_header(draft10::RATE_LIMIT, value);
        }
        for numbers in &self.numbers {
            for (name, value) in numbers.fields(items.clone(), &unix_time) {
                rejection = rejection.with_header(name, value);
            }
        }
        rejection
    }

    /// Returns the description of a set of limits, rendered once for each set, if it is configured.
    fn policy<'a>(
        &self,
        set: Option<usize>,
        items: impl Iterator<Item = FieldItem<'a>>,
    ) -> Option<HeaderValue> {
        let (form, sets) = self.policy.as_ref()?;
        let make = || {
            let limits = items.map(|item| item.limit);
            match form {
                PolicyForm::Draft10 => draft10::policy_value(limits),
                PolicyForm::Draft6 => draft10::draft6_policy_value(limits),
            }
        };
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

/// Values up to this are rendered in advance. Two minutes cover nearly every wait of a limit by the
/// minute.
const READY_SECONDS: u64 = 120;

/// Header values of small numbers, rendered once: a flood of refusals needs no allocation for them.
#[derive(Debug)]
struct ReadySeconds(Box<[HeaderValue]>);

impl Default for ReadySeconds {
    fn default() -> Self {
        Self((0..=READY_SECONDS).map(HeaderValue::from).collect())
    }
}

impl ReadySeconds {
    /// Returns the header value of a number.
    fn value(&self, seconds: u64) -> HeaderValue {
        let ready = usize::try_from(seconds).ok();
        let ready = ready.and_then(|index| self.0.get(index));
        ready.cloned().unwrap_or_else(|| decimal_value(seconds))
    }
}
