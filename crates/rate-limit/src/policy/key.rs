//! Whom a policy counts.

use std::{fmt, net::IpAddr, num::NonZeroU32, sync::Arc};

use http::{HeaderName, request};
use palisade_core::{Identity, RouteMatch, SecurityContext};

use super::subject::Subject;

/// One household or server has one IPv4 address.
const V4_PREFIX: u8 = 32;
/// One subscriber has at least a /64 of IPv6 and may use a new address of it for every request.
const V6_PREFIX: u8 = 64;
/// One household often has a /56 of IPv6: 256 subscribers' worth of addresses. Devices of one
/// household, or neighbours with a /64 each, may need more than one client does.
const NETWORK: Ipv6Network = Ipv6Network {
    prefix: 56,
    multiple: NonZeroU32::new(4).expect("four is not zero"),
};

/// The function of a custom key. `None`: the limit does not count the request.
type CustomKey = dyn Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync;

/// Selects whom a policy counts: clients, principals, owners, all requests together, or a custom property.
///
/// | Key | Counts | Needs |
/// |---|---|---|
/// | [`client`](Self::client) | IPv4 addresses, /64 networks of IPv6, and /56 networks around them | the client's address |
/// | [`principal`](Self::principal) | principals, and guests by address | an authenticator |
/// | [`owner`](Self::owner) | owners (tenants), and guests by address | an authenticator |
/// | [`everyone`](Self::everyone) | all requests in one bucket | nothing |
/// | [`route`](Self::route) | routes, by their template | a table of routes |
/// | [`header`](Self::header) | values of a header | nothing |
/// | [`and`](Self::and) | pairs, such as each client on each route | what both need |
/// | [`custom`](Self::custom) | what a function returns | what the function needs |
///
/// A guest is a request for which an authenticator ran and found no principal. If the layer that a key
/// needs is missing, every request is refused with 500 `misconfigured`, and the log says why.
///
/// ```
/// use palisade_rate_limit::Key;
///
/// // A provider that gives each customer a /48 of IPv6.
/// let key = Key::client().prefixes(32, 48).without_ipv6_network();
/// assert_eq!(key.to_string(), "client (IPv4 /32, IPv6 /48)");
/// ```
#[derive(Clone)]
pub struct Key(pub(crate) KeyKind);

/// How addresses are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AddressPrefixes {
    /// The bits of an IPv4 address that are one client. Default: 32.
    pub(crate) v4: u8,
    /// The bits of an IPv6 address that are one client. Default: 64, since a host may use all
    /// addresses of its network.
    pub(crate) v6: u8,
    /// The larger network that is counted too. `None`: only clients are.
    network: Option<Ipv6Network>,
}

/// A network of IPv6 that is counted beside the clients in it, with so many times their quota.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ipv6Network {
    /// The bits of an address that are one network.
    pub(crate) prefix: u8,
    /// The quota of the network, in quotas of one client.
    pub(crate) multiple: NonZeroU32,
}

/// The kinds of key. Where principals or owners are counted, the prefixes are for guests.
#[derive(Clone)]
pub(crate) enum KeyKind {
    Client(AddressPrefixes),
    Custom {
        name: &'static str,
        key: Arc<CustomKey>,
    },
    Everyone,
    Owner(AddressPrefixes),
    Pair(Box<Key>, Box<Key>),
    Principal(AddressPrefixes),
}

impl Key {
    /// Counts client addresses: each IPv4 address, each /64 of IPv6, and beside them each /56 of IPv6, which
    /// has four times the quota (see [`ipv6_network`](Self::ipv6_network)).
    ///
    /// An IPv4 address inside IPv6 (`::ffff:203.0.113.7`, RFC 4291) counts as the IPv4 address.
    #[must_use]
    pub const fn client() -> Self {
        Self(KeyKind::Client(AddressPrefixes::DEFAULT))
    }

    /// Counts client networks of these prefix lengths. The same as `Key::client().prefixes(v4, v6)`.
    #[must_use]
    pub fn client_networks(v4: u8, v6: u8) -> Self {
        Self::client().prefixes(v4, v6)
    }

    /// Counts principals, by the kind of their authenticator and their identifier. Guests count by address.
    ///
    /// Two keys of one user are two principals: to count them together, use [`owner`](Self::owner).
    #[must_use]
    pub const fn principal() -> Self {
        Self(KeyKind::Principal(AddressPrefixes::DEFAULT))
    }

    /// Counts owners (tenants, accounts): all principals of one share its quota. A principal without an owner
    /// counts for itself, and guests count by address.
    ///
    /// ```
    /// use palisade_rate_limit::{Key, Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_principal()
    ///     .policy(Policy::named("tenant").rate("10000/day")?.key(Key::owner()))
    ///     .build()?;
    /// assert!(layer.explain().contains("by owner"));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub const fn owner() -> Self {
        Self(KeyKind::Owner(AddressPrefixes::DEFAULT))
    }

    /// Counts clients, or guests where principals are counted, by networks of these prefix lengths in bits.
    ///
    /// Default: 32 for IPv4, 64 for IPv6. Lengths beyond the address count as whole addresses. Without effect
    /// on keys that count no addresses.
    ///
    /// ```
    /// use palisade_rate_limit::Key;
    ///
    /// let offices = Key::client().prefixes(24, 56);
    /// assert_eq!(offices.to_string(), "client (IPv4 /24, IPv6 /56)");
    /// ```
    #[must_use]
    pub fn prefixes(self, v4: u8, v6: u8) -> Self {
        self.with_clients(|clients| AddressPrefixes { v4, v6, ..clients })
    }

    /// Counts a wider network of IPv6 beside each client, or guest, with `multiple` times the quota, burst and
    /// debt. One household or server often has a /56 or a /48 of addresses. Without this, each /64 of it would
    /// have the whole quota again.
    ///
    /// Default: /56 and 4. The limit is called like the policy with `-network` at its end, and
    /// responses name it only where it refuses. Ignored unless it is shorter than the prefix length of clients.
    /// Without effect on IPv4 and on keys that count no addresses.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use palisade_rate_limit::Key;
    ///
    /// let eight = NonZeroU32::new(8).expect("eight is not zero");
    /// let key = Key::client().ipv6_network(48, eight);
    /// assert_eq!(key.to_string(), "client (IPv4 /32, IPv6 /64; each IPv6 /48 8 times as much)");
    /// ```
    #[must_use]
    pub fn ipv6_network(self, prefix: u8, multiple: NonZeroU32) -> Self {
        let network = Some(Ipv6Network { prefix, multiple });
        self.with_clients(|clients| AddressPrefixes { network, ..clients })
    }

    /// Counts no wider network of IPv6. For networks in which every /64 is a client of its own, such as those
    /// of a private data centre.
    #[must_use]
    pub fn without_ipv6_network(self) -> Self {
        let network = None;
        self.with_clients(|clients| AddressPrefixes { network, ..clients })
    }

    /// Changes how addresses are counted. A key without addresses stays as it is.
    fn with_clients(self, change: impl FnOnce(AddressPrefixes) -> AddressPrefixes) -> Self {
        Self(match self.0 {
            KeyKind::Client(clients) => KeyKind::Client(change(clients)),
            KeyKind::Owner(clients) => KeyKind::Owner(change(clients)),
            KeyKind::Principal(clients) => KeyKind::Principal(change(clients)),
            other => other,
        })
    }

    /// Returns how addresses are counted. `None`: the key reads no address.
    fn clients(&self) -> Option<&AddressPrefixes> {
        match &self.0 {
            KeyKind::Client(clients) | KeyKind::Owner(clients) | KeyKind::Principal(clients) => {
                Some(clients)
            }
            KeyKind::Custom { .. } | KeyKind::Everyone | KeyKind::Pair(..) => None,
        }
    }

    /// Returns the network of IPv6 that is counted beside clients.
    pub(crate) fn network(&self) -> Option<Ipv6Network> {
        self.clients()?.network()
    }

    /// Finds the network of IPv6 that counts this request beside the client; `None` for IPv4, and
    /// for principals.
    pub(crate) fn network_of(&self, cx: &SecurityContext) -> Option<Subject<'static>> {
        let by_address =
            matches!(self.0, KeyKind::Client(_)) || matches!(cx.identity(), Identity::Anonymous);
        let client = by_address.then(|| cx.client()).flatten()?;
        self.network_around(client.ip())
    }

    /// Returns the network of IPv6 around an address that is counted beside the client.
    pub(crate) fn network_around(&self, ip: IpAddr) -> Option<Subject<'static>> {
        let ip = ip.to_canonical();
        let network = self.network().filter(|_| ip.is_ipv6())?;
        Some(Subject::network(ip, V4_PREFIX, network.prefix))
    }

    /// Counts all requests together, in one bucket: a limit for the whole service.
    ///
    /// One client can use it up for all others. Put a limit by client beside it.
    ///
    /// ```
    /// use palisade_rate_limit::{Key, Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("address").rate("20/second")?)
    ///     .policy(Policy::named("service").rate("2000/second")?.key(Key::everyone()))
    ///     .build()?;
    /// assert!(layer.explain().contains("service: 2000/second, at once 2000, by everyone"));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub const fn everyone() -> Self {
        Self(KeyKind::Everyone)
    }

    /// Counts each route by its template, over all clients. Requests without a route share one bucket.
    ///
    /// With [`and`](Self::and) each client has a bucket on each route. Without a table of routes all
    /// requests share one bucket.
    ///
    /// ```
    /// use palisade_rate_limit::{Key, Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_principal()
    ///     .policy(Policy::named("calls").rate("30/minute")?.key(Key::principal().and(Key::route())))
    ///     .build()?;
    /// assert!(layer.explain().contains("by principal and route"));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub fn route() -> Self {
        Self::custom("route", |cx, _| match cx.route()? {
            RouteMatch::Found(rule) => Some(rule.template().to_owned()),
            _ => None,
        })
    }

    /// Counts each value of a header. Requests without it share one bucket; of several values the
    /// first counts.
    ///
    /// A client chooses its headers freely, and so its bucket. Use it only for a header that a proxy
    /// sets, or beside a limit by client.
    ///
    /// ```
    /// use http::HeaderName;
    /// use palisade_rate_limit::{Key, Policy};
    ///
    /// let plan = HeaderName::from_static("x-gateway-plan");
    /// let policy = Policy::named("plan").rate("1000/minute")?.key(Key::header(plan));
    /// # let _ = policy;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self::custom("header", move |_, head| {
            let value = head.headers.get(&name)?;
            Some(format!(
                "{name}:{}",
                String::from_utf8_lossy(value.as_bytes())
            ))
        })
    }

    /// Counts pairs: each subject of this key with each subject of another one.
    ///
    /// A pair counts no wider network of IPv6 beside clients: put a limit by client beside it.
    /// [`RateLimitLayer::reset`](crate::RateLimitLayer::reset) does not reach its buckets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(KeyKind::Pair(Box::new(self), Box::new(other)))
    }

    /// Counts what a function returns. `name` keeps keys of different meaning apart, also in a shared store.
    ///
    /// All requests for which it returns `None` share one bucket, so a client gains nothing by leaving the
    /// property out. The function runs for each request and must not block. Whatever a client can choose freely
    /// (a header) gives it as many buckets as it likes: count what was proved, or add a limit by client.
    ///
    /// ```
    /// use palisade_rate_limit::{Key, Policy, RateLimitLayer};
    ///
    /// // By the API version in the path: `/v1/speech` counts apart from `/v2/speech`.
    /// let version = Key::custom("version", |_cx, head| {
    ///     let first = head.uri.path().split('/').nth(1)?;
    ///     ["v1", "v2"].contains(&first).then(|| first.to_owned())
    /// });
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("version").rate("1000/second")?.key(version))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub fn custom(
        name: &'static str,
        key: impl Fn(&SecurityContext, &request::Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(KeyKind::Custom {
            name,
            key: Arc::new(key),
        })
    }

    /// Tells whether two keys always find the same subject, so that one lookup is enough for both.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (KeyKind::Custom { key, .. }, KeyKind::Custom { key: other, .. }) => {
                Arc::ptr_eq(key, other)
            }
            (KeyKind::Client(one), KeyKind::Client(other))
            | (KeyKind::Owner(one), KeyKind::Owner(other))
            | (KeyKind::Principal(one), KeyKind::Principal(other)) => one == other,
            (KeyKind::Pair(first, second), KeyKind::Pair(other_first, other_second)) => {
                first.same_as(other_first) && second.same_as(other_second)
            }
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// Tells whether the key needs an authenticator outside the layer.
    pub(crate) fn needs_identity(&self) -> bool {
        match &self.0 {
            KeyKind::Owner(_) | KeyKind::Principal(_) => true,
            KeyKind::Pair(first, second) => first.needs_identity() || second.needs_identity(),
            KeyKind::Client(_) | KeyKind::Custom { .. } | KeyKind::Everyone => false,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            KeyKind::Client(clients) => write!(f, "client ({clients})"),
            KeyKind::Custom { name, .. } => f.write_str(name),
            KeyKind::Everyone => f.write_str("everyone"),
            KeyKind::Owner(_) => f.write_str("owner"),
            KeyKind::Pair(first, second) => write!(f, "{first} and {second}"),
            KeyKind::Principal(_) => f.write_str("principal"),
        }
    }
}

impl AddressPrefixes {
    /// One address of IPv4, a /64 of IPv6, and the network around it.
    const DEFAULT: Self = Self {
        v4: V4_PREFIX,
        v6: V6_PREFIX,
        network: Some(NETWORK),
    };

    /// Returns the network, unless its prefix is as long as that of a client: then it would count
    /// the same.
    fn network(&self) -> Option<Ipv6Network> {
        self.network.filter(|network| network.prefix < self.v6)
    }
}

impl fmt::Display for AddressPrefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IPv4 /{}, IPv6 /{}", self.v4, self.v6)?;
        match self.network() {
            Some(Ipv6Network { prefix, multiple }) => {
                write!(f, "; each IPv6 /{prefix} {multiple} times as much")
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}
