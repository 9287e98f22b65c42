//! Identifiers of events. They stay the same over versions: filters and alarms may rely on them.
//!
//! An event without the prefix of an application must be here. The page *Records of an audit trail* of the book lists all.

/// The service has started. Recorded before it takes the first connection.
pub const SERVICE_STARTED: &str = "service.started";
/// The service stops: it takes no new connections. Requests in progress go on.
pub const SERVICE_STOPPING: &str = "service.stopping";
/// The trail was closed while requests were still running. Member: `open_requests`.
///
/// Their ends are not recorded.
pub const CLOSED_WITH_OPEN_REQUESTS: &str = "audit.closed_with_open_requests";
/// The key of codes and pseudonyms that is used from now on. Members: `key` and, if another one was used before in
/// this process, `previous`: their public identifiers.
pub const CORRELATION_KEY: &str = "audit.correlation_key";
/// How many requests have no record, by the rules: once a minute, and when the trail is closed. Member: `count`.
pub const LEFT_OUT: &str = "audit.left_out";
/// Rules about which requests are recorded, at the start, in one event for each 14. Members: `rules` (how many there
/// are), `first` (the number of the first one here), `rule_1` and so on.
pub const RULES: &str = "audit.rules";
/// A sink of the audit layer panicked or missed its deadline. The other sinks get the record.
pub const SINK_FAILED: &str = "audit.sink_failed";
/// Older parts that retention should delete could not be deleted. They stay, and it is tried
/// again.
///
/// With `cause` `damaged` and `file`: the part has a line that the writer did not write. It and all after it stay until
/// the part is another one.
pub const RETENTION_FAILED: &str = "audit.retention_failed";
/// Checkpoints could not be written to one of their places. Logged once, until it works again.
pub const CHECKPOINTS_FAILING: &str = "audit.checkpoints_failing";
/// Checkpoints are written again.
pub const CHECKPOINTS_RESTORED: &str = "audit.checkpoints_restored";
/// The disk of the trail has little space left. Members: `action`, `free_bytes`.
///
/// See [`LowSpaceAction`](crate::LowSpaceAction).
pub const LOW_SPACE: &str = "audit.low_space";
/// The disk of the trail has enough space again. Members: `action`, `free_bytes`.
pub const SPACE_RESTORED: &str = "audit.space_restored";
/// A new configuration is active. Member: `file`, where there is one.
pub const CONFIGURATION_RELOADED: &str = "configuration.reloaded";
/// A new configuration was refused; the old one stays active. Member: `reason`.
pub const CONFIGURATION_REFUSED: &str = "configuration.refused";
/// A new certificate is in use, for connections from now on.
pub const CERTIFICATE_CHANGED: &str = "certificate.changed";
/// A new certificate was refused; the old one stays in use. Member: `reason`.
pub const CERTIFICATE_REFUSED: &str = "certificate.refused";
/// An authority issued a certificate. Members: `names`, `expires`, `authority`.
pub const CERTIFICATE_ISSUED: &str = "certificate.issued";
/// No certificate could be obtained; the old one stays in use. Members: `kind`, `problem`,
/// `next_attempt`, `authority`.
pub const CERTIFICATE_FAILED: &str = "certificate.failed";
/// Certificates cannot be renewed: the files of the cache cannot be used. Member: `problem`.
pub const CERTIFICATE_UNABLE: &str = "certificate.unable";
/// An API key was made. Members: `key`, its public id, and `owner` if it has one.
pub const KEY_CREATED: &str = "key.created";
/// An API key got a new secret. The old one may stay valid for a time.
pub const KEY_ROTATED: &str = "key.rotated";
/// An API key was revoked. It is refused from now on.
pub const KEY_REVOKED: &str = "key.revoked";
/// The digest of an API key is under another pepper: the same key was used, or it was rotated with the pepper.
pub const KEY_DIGEST_RENEWED: &str = "key.digest_renewed";
/// A revoked API key is valid again. No command does this: somebody wrote to the store. Members as of `key.created`.
pub const KEY_UNREVOKED: &str = "key.unrevoked";
/// An API key was disabled: it is refused until it is enabled. Members as of `key.created`.
pub const KEY_DISABLED: &str = "key.disabled";
/// An API key was enabled again. Members as of `key.created`.
pub const KEY_ENABLED: &str = "key.enabled";
/// The record of an API key was removed. The key is unknown from now on. Members as of `key.created`.
pub const KEY_REMOVED: &str = "key.removed";
/// The permissions, dates or notes of an API key are others. Members as of `key.created`.
pub const KEY_CHANGED: &str = "key.changed";
/// Sessions were ended by name or all together. Members: `by` (`id`, `others` or `all`), `count`, `kind` and
/// `principal`, and where there are some `owner` and `session`: the one that ended, or the one that stayed.
pub const SESSIONS_ENDED: &str = "sessions.ended";
/// A set of API keys, or of keys that sign tokens, was read again.
pub const KEYS_RELOADED: &str = "keys.reloaded";
/// A set of keys could not be read; the old one stays active.
pub const KEYS_REFUSED: &str = "keys.refused";
/// An operator made the limits of a subject full again. Members: `subject_kind`, `subject`, `outcome`.
pub const LIMITS_CLEARED: &str = "limits.cleared";
/// An operator gave a subject another amount of a limit. Members: `subject_kind`, `subject`, `limit`, `amount`,
/// `outcome`, and `until` in seconds since the epoch where it ends.
pub const LIMIT_OVERRIDDEN: &str = "limits.overridden";
/// An operator removed the other amount of a subject. Members: `subject_kind`, `subject`, `limit`, `outcome`.
pub const LIMIT_OVERRIDE_REMOVED: &str = "limits.override_removed";
/// A store (of limits, keys, sessions) does not respond. Member: `store`.
pub const STORE_AWAY: &str = "store.away";
/// A store responds again. Member: `store`.
pub const STORE_BACK: &str = "store.back";
/// A connection was refused because a limit on connections was reached. Member: `cap`.
pub const CONNECTION_REFUSED: &str = "connection.refused";
/// A connection was closed because it exceeded a time limit. Member: `limit`.
pub const CONNECTION_TIMED_OUT: &str = "connection.timed_out";
/// A TLS handshake failed. Member: `reason`.
pub const TLS_HANDSHAKE_FAILED: &str = "connection.tls_handshake_failed";
/// A client violated the protocol (HTTP, PROXY). Member: `reason`.
pub const PROTOCOL_ERROR: &str = "connection.protocol_error";
