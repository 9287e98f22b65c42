//! Maps errors of the Redis library to codes that may be logged and shown.

use std::{error::Error, io, sync::Arc};

use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

use crate::store::StoreProblem;

/// Returns the code of an error. The text of the library is not shown, because it may hold the address.
///
/// Errors of the server have a code of their own. Errors of the connection are distinguished by the operating
/// system's kind, and errors with the code `ERR` by their text.
pub(super) fn problem_of(error: &RedisError) -> StoreProblem {
    match error.kind() {
        ErrorKind::AuthenticationFailed => StoreProblem::WrongPass,
        ErrorKind::Io => io_error(error).map_or(StoreProblem::ConnectionLost, of_io),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreProblem::MalformedReply,
        ErrorKind::Server(ServerErrorKind::ResponseError) => of_text(error),
        _ => error.code().map_or(StoreProblem::Server, of_code),
    }
}

/// Finds the error of the operating system. The library keeps it in an `Arc`, which is an error
/// itself.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    match source.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        Some(shared) => shared.downcast_ref(),
        None => source.downcast_ref(),
    }
}

/// Tells whether the server does not know the script.
pub(super) fn is_no_script(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Tells whether a problem says more than that there is no reply.
pub(super) const fn is_telling(problem: StoreProblem) -> bool {
    !matches!(
        problem,
        StoreProblem::ConnectionLost | StoreProblem::ConnectionRefused | StoreProblem::Timeout
    )
}

/// Maps the error code of a reply.
fn of_code(code: &str) -> StoreProblem {
    match code {
        "ASK" | "CROSSSLOT" | "MOVED" | "TRYAGAIN" => StoreProblem::Moved,
        "BUSY" => StoreProblem::Busy,
        "CLUSTERDOWN" => StoreProblem::ClusterDown,
        "FOREIGN" | "WRONGTYPE" => StoreProblem::ForeignValue,
        "LOADING" => StoreProblem::Loading,
        "MASTERDOWN" | "NOREPLICAS" => StoreProblem::NoReplicas,
        "MISCONF" => StoreProblem::Misconf,
        "NOAUTH" => StoreProblem::NoAuth,
        "NOPERM" => StoreProblem::NoPerm,
        "OOM" => StoreProblem::OutOfMemory,
        "READONLY" => StoreProblem::ReadOnly,
        "WRONGPASS" => StoreProblem::WrongPass,
        _ => StoreProblem::Server,
    }
}

/// Maps errors with the code `ERR`, and those that the library makes while it connects, by their text.
///
/// The texts are those of Redis 6.2 to 7 and of Valkey. A text that is not known is
/// [`StoreProblem::Server`].
fn of_text(error: &RedisError) -> StoreProblem {
    let text = error.to_string().to_ascii_lowercase();
    let known = [
        ("authentication required", StoreProblem::NoAuth),
        // So the server answers a long command of a client that did not log in.
        ("unauthenticated", StoreProblem::NoAuth),
        ("can't run this command", StoreProblem::NoPerm),
        (
            "can't access at least one of the keys",
            StoreProblem::NoPerm,
        ),
        ("has no permissions", StoreProblem::NoPerm),
        // Redis 7.2 and Valkey, for a key of a script.
        ("acl failure in script", StoreProblem::NoPerm),
        ("max number of clients", StoreProblem::MaxClients),
        ("unknown command", StoreProblem::UnknownCommand),
        ("refused to switch database", StoreProblem::Database),
        ("refused to authenticate", StoreProblem::WrongPass),
    ];
    let found = known.iter().find(|(words, _)| text.contains(words));
    found.map_or(StoreProblem::Server, |(_, problem)| *problem)
}

/// Maps an error of the operating system.
fn of_io(error: &io::Error) -> StoreProblem {
    if let Some(problem) = of_tls(error) {
        return problem;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            StoreProblem::ConnectionRefused
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => StoreProblem::Timeout,
        _ if error.to_string().contains("lookup address") => StoreProblem::HostNotFound,
        _ => StoreProblem::ConnectionLost,
    }
}

/// Maps an error of TLS.
#[cfg(feature = "redis-tls")]
fn of_tls(error: &io::Error) -> Option<StoreProblem> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(_) => Some(StoreProblem::Certificate),
        _ => Some(StoreProblem::Tls),
    }
}

#[cfg(not(feature = "redis-tls"))]
const fn of_tls(_: &io::Error) -> Option<StoreProblem> {
    None
}
