//! Why a shared store cannot be used, as a code that is safe to show.

use std::fmt;

/// Why a shared store could not be used: the server's error code, or what the connection met.
///
/// Appears in log lines, in the label `code` of metrics and in
/// [`LimitStore::explain`](crate::LimitStore::explain). It never holds an address, a user name or a password.
/// [`Display`](fmt::Display) adds what to do.
///
/// ```
/// use palisade_rate_limit::StoreProblem;
///
/// let problem = StoreProblem::WrongPass;
/// assert_eq!(problem.code(), "WRONGPASS");
/// assert_eq!(
///     problem.to_string(),
///     "WRONGPASS: user or password are wrong; correct them in the address",
/// );
/// ```
///
/// A custom store returns one from [`LimitStore::reset`](crate::LimitStore::reset). What an operator reads is the remedy:
///
/// ```
/// use palisade_rate_limit::StoreProblem;
///
/// assert_eq!(StoreProblem::Loading.remedy(), "the server reads its data; wait");
/// assert_eq!(StoreProblem::Timeout.code(), "timeout");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StoreProblem {
    /// `BUSY`: another script runs on the server, longer than its `busy-reply-threshold`.
    Busy,
    /// The server's certificate was not accepted: unknown authority, expired, or for another name.
    Certificate,
    /// `CLUSTERDOWN`: the cluster does not serve requests, because a range of slots has no primary.
    ///
    /// During a failover this lasts for about the `cluster-node-timeout` of the servers.
    ClusterDown,
    /// The connection ended. The call that was in progress may have been applied or not.
    ConnectionLost,
    /// Nothing listens at the address.
    ConnectionRefused,
    /// The database could not be selected: its number is too large, or the server is part of a cluster.
    Database,
    /// A bucket's key holds a value that is not a bucket's. Only that bucket is affected.
    ForeignValue,
    /// The name of the server's host was not found.
    HostNotFound,
    /// `LOADING`: the server reads its data from disk after a start.
    Loading,
    /// The reply is not one that the script gives. It never counts as an admission.
    MalformedReply,
    /// The server has as many clients as its `maxclients` allows.
    MaxClients,
    /// `MISCONF`: the server cannot write its data to disk and refuses writes.
    Misconf,
    /// `MOVED` or `CROSSSLOT`: the server is part of a cluster, but the address is that of one server.
    Moved,
    /// `NOAUTH`: the server demands a password and was given none.
    NoAuth,
    /// `NOPERM`: the user may not run the commands or use the keys.
    NoPerm,
    /// `NOREPLICAS` or `MASTERDOWN`: the server misses its replicas or its primary.
    NoReplicas,
    /// `OOM`: the server's memory is full, and its policy evicts nothing.
    OutOfMemory,
    /// `READONLY`: the server is a replica. Through Sentinel or in a cluster this ends with the failover.
    ReadOnly,
    /// An error of the server that has no code of its own.
    Server,
    /// No reply within the deadline. The call may have been applied or not.
    Timeout,
    /// TLS failed, but not because of the certificate.
    Tls,
    /// The server does not know a command: it is too old, or the command was renamed.
    UnknownCommand,
    /// `WRONGPASS`: user or password are wrong.
    WrongPass,
}

impl StoreProblem {
    /// Returns the code: the server's own where it sent one, such as `NOPERM`, else a word in lower case. Stable,
    /// for alerts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.text().0
    }

    /// Returns what an operator can do, as one sentence in lower case.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.text().1
    }

    /// Tells whether the call that failed may nevertheless have been applied: the server did not say
    /// no, and its reply may be lost.
    #[cfg(feature = "redis")]
    pub(crate) const fn may_have_been_applied(self) -> bool {
        matches!(
            self,
            Self::ConnectionLost | Self::MalformedReply | Self::Timeout
        )
    }

    /// Returns the code of the problem for metrics, and the sentence with the remedy for the log.
    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Busy => (
                "BUSY",
                "another script blocks the server; give the limits a server of their own",
            ),
            Self::Certificate => (
                "certificate",
                "the server's certificate is not trusted, has expired or is for another name; name its authority as the root certificate",
            ),
            Self::ClusterDown => (
                "CLUSTERDOWN",
                "the cluster does not serve requests; check that all slots have a primary",
            ),
            Self::ConnectionLost => (
                "connection_lost",
                "the server ended the connection; if it always does, compare TLS and port",
            ),
            Self::ConnectionRefused => (
                "connection_refused",
                "nothing listens at the address; start the server or correct host and port",
            ),
            Self::Database => (
                "database",
                "the database cannot be selected; correct its number in the address",
            ),
            Self::ForeignValue => (
                "FOREIGN",
                "another program wrote to a bucket's key; choose another prefix or database",
            ),
            Self::HostNotFound => (
                "host_not_found",
                "the host's name cannot be resolved; correct it in the address",
            ),
            Self::Loading => ("LOADING", "the server reads its data; wait"),
            Self::MalformedReply => (
                "malformed_reply",
                "the reply is not the script's; check what listens at the address",
            ),
            Self::MaxClients => (
                "max_clients",
                "the server has too many clients; raise its `maxclients`",
            ),
            Self::Misconf => (
                "MISCONF",
                "the server cannot save to disk and refuses writes; free its disk",
            ),
            Self::Moved => (
                "MOVED",
                "the server is part of a cluster; write `redis-cluster://` in place of `redis://` in the address",
            ),
            Self::NoAuth => (
                "NOAUTH",
                "the server wants a password; put user and password into the address",
            ),
            Self::NoPerm => (
                "NOPERM",
                "the user may not run what the limits need; see the ACL in the guide about several nodes",
            ),
            Self::NoReplicas => (
                "NOREPLICAS",
                "the server misses its replicas or its primary; check the replication",
            ),
            Self::OutOfMemory => (
                "OOM",
                "the server's memory is full; raise `maxmemory` or give the limits a server of their own",
            ),
            Self::ReadOnly => (
                "READONLY",
                "the server is a replica; give the address of the primary",
            ),
            Self::Server => (
                "ERR",
                "the server answered with an error; its own log says more",
            ),
            Self::Timeout => (
                "timeout",
                "no reply within the deadline; check network and load, or raise the deadline",
            ),
            Self::Tls => (
                "tls",
                "the TLS handshake failed; check that the port speaks TLS",
            ),
            Self::UnknownCommand => (
                "unknown_command",
                "the server does not know a command; it needs Redis 6.2 and unrenamed commands",
            ),
            Self::WrongPass => (
                "WRONGPASS",
                "user or password are wrong; correct them in the address",
            ),
        }
    }
}

impl fmt::Display for StoreProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.remedy())
    }
}

impl std::error::Error for StoreProblem {}
