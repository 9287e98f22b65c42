//! The servers of the store, and how a connection to them is opened.
//!
//! One server, a cluster, or the primary that Sentinel names. [`Connection`](super::connection)
//! decides when to connect; this module knows how. After a failover a new connection finds the new
//! primary: a cluster is asked for its map of slots, Sentinel for the address.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline,
    RedisConnectionInfo, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use tokio::sync::Mutex;

use super::{
    address::Address,
    credentials::{Credentials, TlsFiles, text},
};

/// The limit of calls that wait to be written. Further calls wait in their own futures, under their
/// own deadlines.
const PIPELINE: usize = 1024;

/// The time limit of one try to connect to one server. The next try follows soon.
const CONNECTING: Duration = Duration::from_millis(250);

/// The time limit of a try to connect to several servers: some of them may be away, and each costs
/// the library's own limit of a second.
const CONNECTING_TO_SEVERAL: Duration = Duration::from_secs(3);

/// How often a call in a cluster is sent again: after `MOVED` or `ASK`, or when its node was lost.
const CLUSTER_RETRIES: u32 = 3;

/// The longest pause between these, in milliseconds.
const CLUSTER_RETRY_PAUSE: u64 = 20;

/// The servers that one address names.
pub(super) enum Servers {
    /// The nodes of a cluster. The client learns of the others from those that the address names.
    Cluster(Box<ClusterClient>),
    /// Sentinels, which name the primary. Asking them changes the client, so one connection is opened at a time.
    Sentinel(Box<Mutex<SentinelClient>>),
    /// One server.
    Standalone(Box<Client>),
}

/// A connection to one server, or to all nodes of a cluster. Clones share it.
#[derive(Clone)]
pub(super) enum Handle {
    /// Connections to all nodes.
    Cluster(ClusterConnection),
    /// The connection to one server, which several calls use at the same time.
    Single(MultiplexedConnection),
}

impl Servers {
    /// Reads the address. `None` if it is malformed, or if a certificate cannot be used. The reason
    /// is not returned, since the library's text may repeat the address, and with it the password.
    pub(super) fn open(url: &str, credentials: &Credentials, tls: &TlsFiles) -> Option<Self> {
        let (address, encrypted) = Address::parse(url)?;
        let opened = match address {
            Address::Cluster { nodes } => cluster(nodes, encrypted, credentials, tls),
            Address::Sentinel {
                sentinels,
                service,
                settings,
            } => {
                let builder =
                    SentinelClientBuilder::new(sentinels, service, SentinelServerType::Master);
                builder.and_then(|builder| {
                    let builder = sentinel_credentials(builder, &settings, credentials);
                    sentinel(builder, encrypted, tls)
                })
            }
            Address::Standalone(url) => standalone(&url, encrypted, credentials, tls),
        };
        opened.ok()
    }

    /// Whether the buckets of different subjects may be on different servers.
    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Returns the time limit of one try to connect.
    pub(super) const fn time_to_connect(&self) -> Duration {
        match self {
            Self::Standalone(_) => CONNECTING,
            Self::Cluster(_) | Self::Sentinel(_) => CONNECTING_TO_SEVERAL,
        }
    }

    /// Opens a connection. The caller sets the time limit: see [`time_to_connect`](Self::time_to_connect).
    ///
    /// # Errors
    ///
    /// The server cannot be reached, refuses the password or the database, or its certificate is not accepted.
    pub(super) async fn connect(&self) -> RedisResult<Handle> {
        // No timeouts of the library's: they would take a delay of this process for one of the server.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINE);
        // The futures of the library are large: boxed, they do not grow those of callers.
        Ok(match self {
            Self::Cluster(client) => {
                Handle::Cluster(Box::pin(client.get_async_connection()).await?)
            }
            Self::Sentinel(client) => {
                let mut client = client.lock().await;
                let connecting = client.get_async_connection_with_config(&config);
                Handle::Single(Box::pin(connecting).await?)
            }
            Self::Standalone(client) => {
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                Handle::Single(Box::pin(connecting).await?)
            }
        })
    }
}

impl ConnectionLike for Handle {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Cluster(connection) => connection.req_packed_command(command),
            Self::Single(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Cluster(connection) => connection.get_db(),
            Self::Single(connection) => connection.get_db(),
        }
    }
}

/// Prepares a cluster. Its timeouts only end what no call waits for any more: each call has a
/// deadline of its own.
fn cluster(
    nodes: Vec<String>,
    encrypted: bool,
    credentials: &Credentials,
    tls: &TlsFiles,
) -> RedisResult<Servers> {
    let mut builder = ClusterClientBuilder::new(nodes)
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(1)
        .max_retry_wait(CLUSTER_RETRY_PAUSE)
        .connection_timeout(Duration::from_secs(1))
        .response_timeout(CONNECTING_TO_SEVERAL);
    if let Some(password) = credentials.password() {
        builder = builder.password(password);
    }
    let client = cluster_tls(builder, encrypted, tls).build()?;
    Ok(Servers::Cluster(Box::new(client)))
}

/// Uses TLS with the certificates of the builder, if the address says so.
#[cfg(feature = "redis-tls")]
fn cluster_tls(
    builder: ClusterClientBuilder,
    encrypted: bool,
    tls: &TlsFiles,
) -> ClusterClientBuilder {
    match encrypted {
        true => builder.certs(tls.certificates()),
        false => builder,
    }
}

#[cfg(not(feature = "redis-tls"))]
fn cluster_tls(builder: ClusterClientBuilder, _: bool, _: &TlsFiles) -> ClusterClientBuilder {
    builder
}

/// Sets user, password and database of the servers, and user and password of the sentinels.
fn sentinel_credentials(
    mut builder: SentinelClientBuilder,
    settings: &RedisConnectionInfo,
    credentials: &Credentials,
) -> SentinelClientBuilder {
    builder = builder.set_client_to_redis_db(settings.db());
    if let Some(user) = settings.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = credentials.password().or(settings.password()) {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(user) = &credentials.sentinel_user {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = credentials.sentinel_password.as_ref().and_then(text) {
        builder = builder.set_client_to_sentinel_password(password);
    }
    builder
}

/// Prepares Sentinel. The sentinels are asked in the same way as the servers: over TLS or not.
#[cfg(feature = "redis-tls")]
fn sentinel(
    mut builder: SentinelClientBuilder,
    encrypted: bool,
    tls: &TlsFiles,
) -> RedisResult<Servers> {
    if encrypted {
        let certificates = tls.certificates();
        builder = builder
            .set_client_to_redis_tls_mode(redis::TlsMode::Secure)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_tls_mode(redis::TlsMode::Secure)
            .set_client_to_sentinel_certificates(certificates);
    }
    Ok(Servers::Sentinel(Box::new(Mutex::new(builder.build()?))))
}

#[cfg(not(feature = "redis-tls"))]
fn sentinel(builder: SentinelClientBuilder, encrypted: bool, _: &TlsFiles) -> RedisResult<Servers> {
    needs_no_tls(encrypted)?;
    Ok(Servers::Sentinel(Box::new(Mutex::new(builder.build()?))))
}

/// Prepares one server.
fn standalone(
    url: &str,
    encrypted: bool,
    credentials: &Credentials,
    tls: &TlsFiles,
) -> RedisResult<Servers> {
    let mut server = url.into_connection_info()?;
    if let Some(password) = credentials.password() {
        let settings = server.redis_settings().clone().set_password(password);
        server = server.set_redis_settings(settings);
    }
    let client = client(server, encrypted, tls)?;
    Ok(Servers::Standalone(Box::new(client)))
}

/// Makes the client of one server, over TLS if the address says so.
#[cfg(feature = "redis-tls")]
fn client(server: ConnectionInfo, encrypted: bool, tls: &TlsFiles) -> RedisResult<Client> {
    match encrypted {
        true => Client::build_with_tls(server, tls.certificates()),
        false => Client::open(server),
    }
}

#[cfg(not(feature = "redis-tls"))]
fn client(server: ConnectionInfo, _: bool, _: &TlsFiles) -> RedisResult<Client> {
    Client::open(server)
}

/// An address over TLS is malformed for a build without it. The other two kinds of address are
/// refused by the library.
#[cfg(not(feature = "redis-tls"))]
fn needs_no_tls(encrypted: bool) -> RedisResult<()> {
    match encrypted {
        true => Err((redis::ErrorKind::InvalidClientConfig, "TLS needs a feature").into()),
        false => Ok(()),
    }
}
