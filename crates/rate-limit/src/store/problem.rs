//! Why a shared store cannot be used, as a code that is safe to show.

use std::fmt;

/// Why a shared store was not of use: the server's error code, or what the connection met.
///
/// Appears in log lines, in the label `code` of metrics and in [`LimitStore::explain`](crate::LimitStore::explain).
/// It never holds an address, a user name or a password. [`Display`](fmt::Display) adds what to do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StoreProblem {
    /// `BUSY`: another script runs on the server.
    Busy,
    /// The server's certificate was not accepted.
    Certificate,
    /// `CLUSTERDOWN`: the cluster does not serve requests.
    ClusterDown,
    /// The connection ended.
    ConnectionLost,
    /// Nothing listens at the address.
    ConnectionRefused,
    /// The database could not be selected.
    Database,
    /// A bucket's key holds a value that is not a bucket's.
    ForeignValue,
    /// The name of the server's host was not found.
    HostNotFound,
    /// `LOADING`: the server reads its data.
    Loading,
    /// The reply is not one that the script gives.
    MalformedReply,
    /// The server has as many clients as it accepts.
    MaxClients,
    /// `MISCONF`: the server cannot write its data to disk and refuses writes.
    Misconf,
    /// `MOVED` or `CROSSSLOT`: the server is part of a cluster.
    Moved,
    /// `NOAUTH`: the server wants a password and was given none.
    NoAuth,
    /// `NOPERM`: the user may not run the commands or use the keys.
    NoPerm,
    /// `NOREPLICAS` or `MASTERDOWN`: the server misses its peers.
    NoReplicas,
    /// `OOM`: the server's memory is full.
    OutOfMemory,
    /// `READONLY`: the server is a replica.
    ReadOnly,
    /// An error of the server that has no code of its own.
    Server,
    /// No reply within the deadline.
    Timeout,
    /// TLS failed, but not because of the certificate.
    Tls,
    /// The server does not know a command: it is too old, or the command was renamed.
    UnknownCommand,
    /// `WRONGPASS`: user or password are wrong.
    WrongPass,
}

impl StoreProblem {
    /// Returns the code: the server's own where it sent one, such as `NOPERM`, else a word in lower case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.text().0
    }

    /// Returns what an operator can do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.text().1
    }

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
                "the cluster does not serve requests; a cluster is not supported",
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
                "the server is part of a cluster, which is not supported; use a standalone server",
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
