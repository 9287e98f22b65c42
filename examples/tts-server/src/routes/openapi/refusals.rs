//! The refusals of the layers in front of the handlers: which a route can get follows from its rule.

use palisade::Rule;
use palisade::core::Access;

/// A set of refusals of one status, and the routes that can get them.
pub(super) struct Refusals {
    pub(super) status: u16,
    pub(super) codes: &'static [&'static str],
    applies: fn(&Rule) -> bool,
}

/// Finds the refusals that a route can get before its handler is asked.
pub(super) fn of(rule: &Rule) -> impl Iterator<Item = &'static Refusals> {
    ALL.iter().filter(|refusals| (refusals.applies)(rule))
}

const ANY: fn(&Rule) -> bool = |_| true;
const CREDENTIAL: fn(&Rule) -> bool = |rule| *rule.access() != Access::Public;
const LIMITED: fn(&Rule) -> bool = |rule| !rule.limits().is_empty();
const SCOPE: fn(&Rule) -> bool = |rule| matches!(rule.access(), Access::Scopes(_));
const TEXT: fn(&Rule) -> bool = |rule| !rule.fields().is_empty();

const ALL: &[Refusals] = &[
    // The transport, and whose name is asked for.
    Refusals {
        status: 400,
        codes: &[
            "forwarded_ambiguous",
            "forwarded_host_invalid",
            "host_ambiguous",
            "host_invalid",
            "host_mismatch",
            "host_missing",
            "request_malformed",
        ],
        applies: ANY,
    },
    Refusals {
        status: 421,
        codes: &["host_not_served"],
        applies: ANY,
    },
    Refusals {
        status: 403,
        codes: &["credential_in_clear", "insecure_transport"],
        applies: ANY,
    },
    // Limits.
    Refusals {
        status: 429,
        codes: &["quota_exceeded", "too_many_failures"],
        applies: ANY,
    },
    Refusals {
        status: 400,
        codes: &["cost_exceeds_quota"],
        applies: LIMITED,
    },
    // The credential. One that is sent must be valid, even where none is needed.
    Refusals {
        status: 400,
        codes: &["authorization_malformed", "credentials_ambiguous"],
        applies: ANY,
    },
    Refusals {
        status: 401,
        codes: &["unauthenticated"],
        applies: ANY,
    },
    Refusals {
        status: 403,
        codes: &["cross_site", "csrf_token"],
        applies: CREDENTIAL,
    },
    Refusals {
        status: 403,
        codes: &["insufficient_scope"],
        applies: SCOPE,
    },
    // What is sent.
    Refusals {
        status: 413,
        codes: &["payload_too_large"],
        applies: ANY,
    },
    Refusals {
        status: 400,
        codes: &[
            "body_unreadable",
            "field_duplicated",
            "field_missing",
            "form_malformed",
            "json_malformed",
            "query_malformed",
        ],
        applies: TEXT,
    },
    Refusals {
        status: 414,
        codes: &["query_too_long"],
        applies: TEXT,
    },
    Refusals {
        status: 415,
        codes: &[
            "content_encoding_unsupported",
            "content_type_mismatch",
            "content_type_unsupported",
        ],
        applies: TEXT,
    },
    Refusals {
        status: 422,
        codes: &[
            "field_not_text",
            "text_empty",
            "text_forbidden",
            "text_nothing_left",
            "text_removed_by_rule",
            "text_rule",
            "text_too_long",
            "text_too_short",
            "text_unstable",
        ],
        applies: TEXT,
    },
    // Faults of the server, not of the client.
    Refusals {
        status: 500,
        codes: &["internal_error", "misconfigured"],
        applies: ANY,
    },
    Refusals {
        status: 503,
        codes: &["unavailable"],
        applies: ANY,
    },
];
