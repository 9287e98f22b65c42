//! One hop of a forwarding header.

use std::net::IpAddr;

/// What one proxy wrote about the request that it received.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::client_address) struct Hop<'a> {
    /// The address, or `None` where it is unknown, obfuscated or no address at all.
    pub(in crate::client_address) address: Option<IpAddr>,
    /// The `host` parameter of `Forwarded`. Always `None` for `X-Forwarded-For`.
    pub(in crate::client_address) host: Option<&'a str>,
    /// The `proto` parameter of `Forwarded`. Always `None` for `X-Forwarded-For`.
    pub(in crate::client_address) proto: Option<&'a str>,
}
