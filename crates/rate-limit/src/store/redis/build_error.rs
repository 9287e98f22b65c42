//! Why a Redis store cannot be built.

use std::fmt;

#[cfg(doc)]
use super::{RedisStore, RedisStoreBuilder};

/// Why a [`RedisStore`] cannot be built. A server that cannot be reached is none of these: see
/// [`RedisStoreBuilder::connect`].
///
/// No message holds the address, the password or the key.
///
/// ```
/// use palisade_core::Secret;
/// use palisade_rate_limit::{RedisStore, RedisStoreBuildError};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let store = RedisStore::builder("redis://127.0.0.1", Secret::new("too short"));
/// assert_eq!(store.connect().await.unwrap_err(), RedisStoreBuildError::HashKeyTooShort);
/// # });
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisStoreBuildError {
    /// The address cannot be read, or the certificate for it.
    MalformedAddress,
    /// The key for hashing subjects has fewer than 16 bytes.
    HashKeyTooShort,
    /// The prefix of the keys is empty, or holds braces, colons or blanks.
    InvalidPrefix,
    /// The deadline of a call is zero.
    ZeroDeadline,
    /// The root certificate is not in PEM form.
    InvalidRootCertificate,
    /// The client certificate is not in PEM form.
    InvalidClientCertificate,
    /// A password is empty, or is not UTF-8.
    InvalidPassword,
    /// A user or password of sentinels is set, but the address names none, or a user without a password.
    UnusedSentinelCredentials,
    /// A certificate is set, but the address is one without TLS.
    UnusedCertificates,
    /// There is no tokio runtime.
    NoRuntime,
}

impl fmt::Display for RedisStoreBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedAddress => {
                "the address or the certificate of the store is malformed; use redis://[user:password@]host:port/database, redis-cluster://host:port,host:port or redis-sentinel://host:port,host:port/service (rediss:// needs the feature redis-tls)"
            }
            Self::HashKeyTooShort => {
                "the hash key of the store is shorter than 16 bytes; make one of random bytes and give it to every node"
            }
            Self::InvalidPrefix => {
                "the prefix of the store must not be empty or hold braces, colons or blanks; use for example `palisade`"
            }
            Self::ZeroDeadline => {
                "the deadline of the store is zero, so that no reply would ever be in time; use for example 25 ms"
            }
            Self::InvalidRootCertificate => {
                "the root certificate of the store is no PEM certificate; give the contents of a file with `-----BEGIN CERTIFICATE-----`"
            }
            Self::InvalidClientCertificate => {
                "the client certificate of the store is no PEM certificate; give the contents of a file with `-----BEGIN CERTIFICATE-----`"
            }
            Self::InvalidPassword => {
                "a password of the store is empty or no UTF-8 text; give the contents of the file without its line end"
            }
            Self::UnusedSentinelCredentials => {
                "the user and password of the sentinels would not be used; they need an address with redis-sentinel://, and the user needs the password"
            }
            Self::UnusedCertificates => {
                "the certificates of the store would not be used, since its address is one without TLS; write rediss://, rediss-cluster:// or rediss-sentinel://"
            }
            Self::NoRuntime => {
                "the store must be connected inside a tokio runtime; call `connect` from async code"
            }
        })
    }
}

impl std::error::Error for RedisStoreBuildError {}
