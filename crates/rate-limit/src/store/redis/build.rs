//! Connecting to the server.

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit};
use palisade_core::Secret;
use redis::Client;
use sha2::Sha256;
use tokio::{runtime::Handle, sync::mpsc};

use super::{RedisStore, Shared, denied::Denied, link::Link, tasks};
use crate::{MemoryStore, PolicyError};

/// A request rather goes on without the server than wait longer.
const DEADLINE: Duration = Duration::from_millis(25);

/// At start there is time for a server that is starting too.
const FIRST_CONNECTION: Duration = Duration::from_secs(1);

/// Settlements under way. Each is a hundred bytes; a full queue means that the server cannot follow.
const QUEUE: usize = 4096;

const LOCAL_BUCKETS: usize = 16_384;
const SHORTEST_KEY: usize = 16;

/// Describes a connection to Redis or Valkey.
#[derive(Debug)]
#[must_use]
pub struct RedisStoreBuilder {
    url: Secret,
    hash_key: Secret,
    prefix: Box<str>,
    deadline: Duration,
    local_buckets: usize,
    #[cfg(feature = "redis-tls")]
    root: Option<Vec<u8>>,
}

impl RedisStoreBuilder {
    pub(super) fn new(url: &str, hash_key: Secret) -> Self {
        Self {
            // It may hold a password.
            url: Secret::new(url),
            hash_key,
            prefix: "palisade".into(),
            deadline: DEADLINE,
            local_buckets: LOCAL_BUCKETS,
            #[cfg(feature = "redis-tls")]
            root: None,
        }
    }

    /// Trusts this certificate authority (PEM) for `rediss://`, in place of the system's.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// Begins keys with this word in place of `palisade`.
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Waits so long for a decision, in place of 25 ms.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes room for so many buckets in memory, for the time while the server is away.
    pub fn local_buckets(mut self, buckets: usize) -> Self {
        self.local_buckets = buckets;
        self
    }

    /// Connects. A server that cannot be reached is no error: the store starts as it would go on
    /// after a failure, and connects as soon as it can.
    ///
    /// # Errors
    ///
    /// If the address is malformed, the key is shorter than 16 bytes, the prefix holds braces, colons or
    /// blanks, a root certificate is none, or this does not run inside a tokio runtime.
    pub async fn connect(self) -> Result<RedisStore, PolicyError> {
        self.check()?;
        let client = self.client()?;
        let link = Arc::new(Link::new(client, self.deadline));
        let hash_key = Hmac::<Sha256>::new_from_slice(self.hash_key.expose());
        let hash_key = hash_key.map_err(|_| PolicyError::new("the hash key cannot be used"))?;
        let (settlements, queue) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            hash_key,
            prefix: self.prefix,
            link: Arc::clone(&link),
            denied: Denied::default(),
            local: MemoryStore::with_capacity(self.local_buckets),
            settlements,
            unsettled: Default::default(),
        });
        let first = tokio::time::timeout(FIRST_CONNECTION, link.mend(&shared.prefix));
        if !first.await.unwrap_or(false) {
            tracing::warn!(target: "palisade", "the store of the limits cannot be reached: policies follow their failure modes");
        }
        tasks::start(&shared, queue);
        Ok(RedisStore(shared))
    }

    fn client(&self) -> Result<Client, PolicyError> {
        // The library's own words may repeat the address, and with it the password.
        let malformed = |_| {
            let why = "the address or the certificate of the store is malformed; use redis://[user:password@]host:port/database (rediss:// needs the feature redis-tls)";
            PolicyError::new(why)
        };
        let url = String::from_utf8_lossy(self.url.expose());
        #[cfg(feature = "redis-tls")]
        if url.starts_with("rediss:") {
            return tls(&url, self.root.clone()).map_err(malformed);
        }
        Client::open(&*url).map_err(malformed)
    }

    fn check(&self) -> Result<(), PolicyError> {
        if self.hash_key.expose().len() < SHORTEST_KEY {
            return Err(PolicyError::new(
                "the hash key of the store is shorter than 16 bytes; make one of random bytes and give it to every node",
            ));
        }
        if self.prefix.is_empty() || self.prefix.contains(['{', '}', ':', ' ']) {
            return Err(PolicyError::new(
                "the prefix of the store must not be empty or hold braces, colons or blanks",
            ));
        }
        #[cfg(feature = "redis-tls")]
        if self
            .root
            .as_deref()
            .is_some_and(|pem| !holds_certificate(pem))
        {
            let why = "the root certificate of the store is no PEM certificate";
            return Err(PolicyError::new(why));
        }
        if Handle::try_current().is_err() {
            return Err(PolicyError::new(
                "the store must be connected inside a tokio runtime",
            ));
        }
        Ok(())
    }
}

/// An empty list of authorities would be taken, and trust nobody without a word.
#[cfg(feature = "redis-tls")]
fn holds_certificate(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")
}

#[cfg(feature = "redis-tls")]
fn tls(url: &str, root_cert: Option<Vec<u8>>) -> redis::RedisResult<Client> {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    if CryptoProvider::get_default().is_none() {
        // Where several are compiled in, rustls would not choose one but panic. If another thread was first, fine.
        let _ = aws_lc_rs::default_provider().install_default();
    }
    let certificates = redis::TlsCertificates {
        client_tls: None,
        root_cert,
    };
    Client::build_with_tls(url, certificates)
}
