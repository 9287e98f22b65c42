//! How important a request is when there are too many.

/// How important the requests of a route are when a service has more than it can serve.
///
/// [`Rule::priority`](crate::Rule::priority) sets it, and a layer that sheds load reads it. The order is that of
/// importance.
///
/// ```
/// use palisade_core::{Priority, Rule};
///
/// assert!(Priority::Sheddable < Priority::Normal && Priority::Normal < Priority::Critical);
/// assert_eq!(Rule::public().priority(Priority::Sheddable).explicit_priority(), Some(Priority::Sheddable));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Priority {
    /// May be done later: exports, crawlers, prefetches. Refused first.
    Sheddable,
    /// Requests without another priority.
    #[default]
    Normal,
    /// Must work under load: sign-in, payment, an operator. Refused last.
    Critical,
}

impl Priority {
    /// Returns the name in metrics: `sheddable`, `normal` or `critical`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sheddable => "sheddable",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }
}
