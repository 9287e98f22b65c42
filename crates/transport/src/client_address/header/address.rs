//! Reads an address as proxies write it.

use std::net::{IpAddr, SocketAddr};

/// Reads an address, with or without port and brackets.
///
/// Returns the canonical form: an IPv4-mapped IPv6 address becomes IPv4. `unknown`, `_hidden`
/// and other text give `None`.
pub(in crate::client_address) fn parse_address(written: &str) -> Option<IpAddr> {
    let address = match written.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => match parse_bracketed(written) {
            Some(address) => address,
            None => with_port(written)?,
        },
    };
    Some(address.to_canonical())
}

/// Reads an IPv6 address in brackets.
fn parse_bracketed(written: &str) -> Option<IpAddr> {
    let inner = written.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok().map(IpAddr::V6)
}

/// Reads `192.0.2.7:4711` and `[2001:db8::7]:4711`.
///
/// The port may be obfuscated (`_x`, RFC 7239, section 6.3).
fn with_port(written: &str) -> Option<IpAddr> {
    if let Ok(socket) = written.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let (node, port) = written.rsplit_once(':')?;
    let hidden = port.strip_prefix('_')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if hidden.is_empty() || !hidden.bytes().all(is_plain) {
        return None;
    }
    match parse_bracketed(node) {
        Some(address) => Some(address),
        None => node.parse().ok().map(IpAddr::V4),
    }
}
