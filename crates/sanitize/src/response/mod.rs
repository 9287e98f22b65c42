//! Responses: which are cleaned, and how their text is found in what arrives in chunks.
//!
//! A stream that has begun cannot be refused, so text is changed and never refused here. What cannot be
//! read is refused before its first byte.
//!
//! | file | task |
//! |---|---|
//! | `rules` | the settings, and the start of a response |
//! | `body` | the body that a client gets |
//! | `format`, `coverage` | what a body is made of, by its head |
//! | `records` | divides a stream into events or lines, and writes them again |
//! | `deltas` | texts that are divided over the events of a stream |
//! | `json_values` | strings of a document that is complete, with their places |
//! | `json_strings` | strings of a document that arrives in chunks |
//! | `cleaning`, `response_text`, `hold`, `utf8`, `counts` | one text |

mod rules;
mod body;
mod format;
mod records;
mod event;
mod deltas;
mod delta_fields;
mod json_values;
mod json_strings;
mod cleaning;
mod response_text;
mod coverage;
mod hold;
mod utf8;
mod counts;

pub use self::body::SanitizeBody;
pub(crate) use self::rules::{Answered, ResponseCleaning};
pub use self::{response_text::ResponseText, rules::ResponseRules};
