//! A server of the Model Context Protocol (MCP) behind a `Shield`: notes that tools list, add and read aloud.
//!
//! - Tokens are those of an authorization server, issued for this resource (RFC 9728, 8707, 6750).
//! - Each tool has a scope. A call without it is refused with 403 before the tool runs, and the client is told which
//!   scopes to ask for. Tools that are not in the table, and methods that are not on the list, are refused.
//! - The session of an older protocol version belongs to the user and the client that opened it. Its stream needs all
//!   scopes that were used in it.
//! - Pages of other origins are refused, limits count calls, and the audit trail has the name of the tool.
//!
//! Follow a request inwards: `server` assembles the stack, `authorize` stands before the protocol's service, `tools` are
//! behind it.

mod server;
mod authorize;
mod session_owners;
mod message;
mod tools;

pub use self::server::{ServerParts, StartError, protect};
