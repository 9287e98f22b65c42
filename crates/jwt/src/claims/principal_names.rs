//! The names of the claims that a principal is made of.

/// The claim that the id is read from, unless another one is named (RFC 7519 section 4.1.2).
const SUBJECT: &str = "sub";

/// Names of claims, or JSON pointers to them (RFC 6901). `None`: not named here.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrincipalNames {
    /// Becomes the id.
    pub(crate) subject: Option<Box<str>>,
    /// Become amounts of its own for rate limits.
    pub(crate) own_limits: Option<Box<str>>,
    /// Becomes the owner.
    pub(crate) tenant: Option<Box<str>>,
    /// Becomes the tier.
    pub(crate) tier: Option<Box<str>>,
}

impl PrincipalNames {
    /// Returns the claim of the id. `first` has precedence. Default: `sub`.
    pub(crate) fn subject<'a>(&'a self, first: Option<&'a Self>) -> &'a str {
        let named = first.and_then(|first| first.subject.as_deref());
        named.or(self.subject.as_deref()).unwrap_or(SUBJECT)
    }

    /// Returns the claim of the amounts of its own. `first` has precedence. Default: none.
    pub(crate) fn own_limits<'a>(&'a self, first: Option<&'a Self>) -> Option<&'a str> {
        let named = first.and_then(|first| first.own_limits.as_deref());
        named.or(self.own_limits.as_deref())
    }

    /// Returns the claim of the owner. `first` has precedence. Default: none.
    pub(crate) fn tenant<'a>(&'a self, first: Option<&'a Self>) -> Option<&'a str> {
        let named = first.and_then(|first| first.tenant.as_deref());
        named.or(self.tenant.as_deref())
    }

    /// Returns the claim of the tier. `first` has precedence. Default: none.
    pub(crate) fn tier<'a>(&'a self, first: Option<&'a Self>) -> Option<&'a str> {
        let named = first.and_then(|first| first.tier.as_deref());
        named.or(self.tier.as_deref())
    }
}
