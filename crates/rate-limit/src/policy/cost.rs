//! What a request costs.

use std::{fmt, sync::Arc};

use http::{request, response};

/// What the units of a policy are.
///
/// Stated to clients in `RateLimit-Policy` as the parameter `qu`
/// (draft-ietf-httpapi-ratelimit-headers-10). It does not change what is charged: that is the policy's
/// [`cost`](crate::Policy::cost).
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{Policy, CostUnit};
///
/// // A hundred MiB of uploads a minute: what a request costs is its length.
/// let policy = Policy::named("upload")
///     .rate("104857600/minute")?
///     .unit(CostUnit::ContentBytes)
///     .cost_by(|head| {
///         let length = head.headers.get("content-length").and_then(|value| value.to_str().ok());
///         length.and_then(|length| length.parse().ok()).unwrap_or(0)
///     });
/// # let _ = policy;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CostUnit {
    /// Bytes of content, as `qu="content-bytes"`. A request that costs more than a full bucket is too large: 413.
    ContentBytes,
    /// A custom unit: characters, seconds of audio, tokens. Not stated, because the draft has no name for it.
    Custom,
    /// Requests. Not stated, because it is the default of the draft.
    #[default]
    Requests,
}

/// Which requests pay the whole cost. Default: [`Admitted`](Self::Admitted).
///
/// See [`Policy::charge_when`](crate::Policy::charge_when) for an example, and for who never gets anything
/// back.
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{ChargeWhen, Policy};
///
/// // A text that is refused as too long pays one unit, in place of the hundred of a synthesis.
/// let policy = Policy::named("speak")
///     .rate("6000/minute")?
///     .cost(100)
///     .charge_when(ChargeWhen::Handled { otherwise: 1 });
/// # let _ = policy;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChargeWhen {
    /// Every request that the layer admitted, however it ended.
    #[default]
    Admitted,
    /// Requests that reached the handler. One that a layer further in refused (a text that is too
    /// long, a scope that is missing) pays less: what is above `otherwise` is given back.
    Handled {
        /// What a request that was refused further in pays, in units. 0 gives all of it back.
        otherwise: u32,
    },
}

/// What a request costs in the end, by the head of its response.
#[derive(Clone)]
pub(crate) struct ResponseCost(Arc<dyn Fn(&response::Parts) -> Option<u32> + Send + Sync>);

impl ResponseCost {
    /// Keeps the function that reads the units from the head of a response. `None` of the function:
    /// the cost stays.
    pub(crate) fn new(
        cost: impl Fn(&response::Parts) -> Option<u32> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(cost))
    }

    /// Returns the final cost in units. `None`: it stays as it is.
    pub(crate) fn of(&self, head: &response::Parts) -> Option<u32> {
        (self.0)(head)
    }
}

impl fmt::Debug for ResponseCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("by the response")
    }
}

/// A number, or a function of the head.
#[derive(Clone)]
pub(crate) enum Cost {
    Fixed(u32),
    By(Arc<dyn Fn(&request::Parts) -> u64 + Send + Sync>),
}

impl Cost {
    /// Keeps the function that reads the units from the head of a request.
    pub(crate) fn by(cost: impl Fn(&request::Parts) -> u64 + Send + Sync + 'static) -> Self {
        Self::By(Arc::new(cost))
    }

    /// Returns the cost of a request with this head, in units.
    pub(crate) fn of(&self, head: &request::Parts) -> u64 {
        match self {
            Self::Fixed(units) => u64::from(*units),
            Self::By(cost) => cost(head),
        }
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(units) => write!(f, "{units}"),
            Self::By(_) => f.write_str("by the head"),
        }
    }
}
