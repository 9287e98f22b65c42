//! What is known of notes by their key: which make a request worth a record, and which name no one.
//!
//! A note is a [`Fact::Noted`](palisade_core::Fact::Noted) of a guard or a handler.

/// How the value of a note is written in a trail with pseudonyms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoteForm {
    /// As it is: a number, a fixed text, or identifiers of rules.
    Clear,
    /// As a code of this part of a principal, or of `note`.
    Code(&'static str),
}

/// Notes whose values are numbers, fixed texts and identifiers of rules, fields and kinds.
const CLEAR: [&str; 11] = [
    "body_decompressed",
    "budget_estimated",
    "credential_ended",
    "forwarded_header",
    "moderation",
    "moderation_flagged",
    "personal_data",
    "response_text",
    "text_flagged",
    "text_would_be_cleaned",
    "via",
];
/// Notes whose values are the public identifiers of credentials, as they are in a principal.
const CREDENTIALS: [&str; 7] = [
    "api_key_id",
    "key_change",
    "key_disabled",
    "key_enabled",
    "key_minted",
    "key_revoked",
    "key_rotated",
];
/// Beginnings of notes about something that an operator must find later.
const IMPORTANT: [&str; 4] = ["credential_", "inspect_", "key_", "session_"];
/// Further ones.
const IMPORTANT_TEXTS: [&str; 5] = [
    "moderation_flagged",
    "personal_data",
    "response_text",
    "text_flagged",
    "text_would_be_cleaned",
];
/// What of a response was not inspected: an ordinary state of each stream.
const INSPECT_RESPONSE: &str = "inspect_response";

/// Returns whether a request with this note has a record whatever the rules say.
pub(crate) fn is_important(key: &str) -> bool {
    let begins = IMPORTANT.iter().any(|begin| key.starts_with(begin));
    (begins && key != INSPECT_RESPONSE) || IMPORTANT_TEXTS.contains(&key)
}

/// Returns how the value of a note is written in a trail with pseudonyms.
pub(super) fn pseudonymous_form(key: &str) -> NoteForm {
    match key {
        // Codes under another key, which could be computed for a guess.
        "inspect_matched" | "inspect_response_matched" => NoteForm::Code("note"),
        _ if key.starts_with("inspect_") || CLEAR.contains(&key) => NoteForm::Clear,
        _ if CREDENTIALS.contains(&key) => NoteForm::Code("credential"),
        _ => NoteForm::Code("note"),
    }
}
