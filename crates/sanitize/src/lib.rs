//! Sanitizes untrusted text: a sanitizer for strings, and a tower layer for query, form and JSON.
//!
//! Text from outside can hold more than it shows:
//!
//! * characters that change the order in which text appears
//! * hidden messages in tags, joiners and variation selectors
//! * control characters that a terminal executes
//! * long runs of combining marks, and a thousand letters that count as one character
//!
//! [`Sanitizer`] removes what plain text of any script does not need, or refuses the text. Persian,
//! Sinhala, Hebrew, Thai, Chinese and emoji pass unchanged. [`SanitizeLayer`] applies it to the text
//! fields of a request before the handler sees them.
//!
//! | Task | Item |
//! |---|---|
//! | Clean a string | [`Sanitizer::clean`] |
//! | Choose settings by name | [`Preset`] |
//! | Clean the fields of requests | [`SanitizeLayer`], [`Field`], [`Fields`] |
//! | Decide about a class of characters | [`Class`], [`Action`] |
//! | Find, mask or replace personal data | [`PersonalData`] |
//! | Find other patterns, numbers, scripts, repetition | [`TextRule`] |
//! | Ban words, also from a file | [`BannedWords`] |
//! | Clean the responses of a service | [`ResponseRules`] |
//! | Clean a text that arrives in chunks | [`ResponseText`] |
//! | Make tokens of chat templates harmless | [`TemplateTokens`], [`ModelFamily`] |
//! | Check a signature of a body that is cleaned | [`RawBody`], [`StaleHeaders`] |
//! | Find names that look alike | [`skeleton`] |
//! | Ask a moderation model about clean texts | `Moderation`, `Moderator` (feature `moderation`) |
//!
//! A text that cannot be cleaned is [`Refused`]; a wrong configuration is a [`SanitizeBuildError`]. Neither
//! holds any of a client's text.
//!
//! # What it does not do
//!
//! It does not detect prompt injection written in plain words, and it does not escape text for HTML,
//! SQL or a shell. The handler must do that for the format that it writes.
//!
//! # Defaults
//!
//! ```
//! use palisade_sanitize::{Refused, Sanitizer, LengthUnit};
//!
//! let speech = Sanitizer::speech();
//! // Clean text is not copied.
//! assert_eq!(speech.clean("今天天气很好，我们去公园玩吧。")?.text(), "今天天气很好，我们去公园玩吧。");
//! // Characters that plain text does not need are dropped: here a tag, an override and a zero-width space.
//! assert_eq!(speech.clean("Good\u{e0041} \u{202e}mor\u{200b}ning")?.text(), "Good morning");
//! // Text that cannot be cleaned is refused.
//! let long = "好".repeat(501);
//! assert_eq!(speech.clean(&long).err(), Some(Refused::TooLong { unit: LengthUnit::Graphemes, limit: 500 }));
//! # Ok::<(), Refused>(())
//! ```
//!
//! # A customized sanitizer in a layer
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use palisade_core::{BoxError, RequestBody};
//! use palisade_sanitize::{Action, Class, Field, TextRule, SanitizeLayer, Sanitizer};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let prompt = Sanitizer::builder()
//!     .max_graphemes(2000)
//!     .class(Class::BidiControl, Action::Refuse)
//!     .rule(TextRule::bank_card())
//!     .build()?;
//! let layer = SanitizeLayer::builder()
//!     .field(Field::required("/messages/*/content", prompt))
//!     .max_body(256 * 1024)
//!     .build()?;
//!
//! let echo = |request: Request<RequestBody<Full<Bytes>>>| async {
//!     let body = request.into_body().collect().await?.to_bytes();
//!     Ok::<_, BoxError>(Response::new(Full::new(body)))
//! };
//! let service = ServiceBuilder::new().layer(layer).service_fn(echo);
//!
//! let chat = r#"{"messages": [{"content": "I pay with 4111 1111 1111 1111."}], "n": 1}"#;
//! let request = Request::post("/chat").header("content-type", "application/json").body(chat.into())?;
//! let answer = service.clone().oneshot(request).await?.into_body().collect().await?.to_bytes();
//! assert_eq!(answer, r#"{"messages": [{"content": "I pay with *******************."}], "n": 1}"#);
//!
//! let empty = Request::post("/chat").header("content-type", "application/json").body(r#"{"messages": []}"#.into())?;
//! assert_eq!(service.oneshot(empty).await?.status(), StatusCode::BAD_REQUEST);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod layer;
mod request;
mod response;
#[cfg(feature = "moderation")]
mod moderation;
mod personal_data;
mod text;
mod error;
mod characters;
mod json_string;
mod body_digests;

pub use characters::{Action, Class};
pub use error::SanitizeBuildError;
pub use layer::{SanitizeFuture, SanitizeLayer, SanitizeLayerBuilder, SanitizeService};
#[cfg(feature = "moderation")]
#[cfg_attr(docsrs, doc(cfg(feature = "moderation")))]
pub use moderation::{
    ModeratedText, Moderation, ModerationRequest, ModerationVerdict, Moderator,
    ModeratorUnavailable,
};
pub use palisade_core::BodyKind;
pub use personal_data::{
    Finding, PersonalData, PersonalDataBuilder, PersonalDataKind, Placeholders, RestoreStream,
    UnknownPersonalDataKind,
};
pub use request::{
    ContentCoding, Field, Fields, RawBody, StaleHeaders, UnknownContentCoding, UnknownStaleHeaders,
};
pub use response::{ResponseRules, ResponseText, SanitizeBody};
pub use text::{
    BannedWords, CleanText, CodePoint, LengthUnit, ModelFamily, Normalization, OverLength, Preset,
    Refused, Report, ReportedData, Sanitizer, SanitizerBuilder, TemplateTokens, TextRule,
    UnknownPreset, Whitespace, skeleton,
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
