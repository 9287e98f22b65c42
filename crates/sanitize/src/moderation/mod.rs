//! Moderation: a model or an external service that looks at the clean texts of a request.
//!
//! The rules of this crate are local and cost little, so they run first. A text that they refuse never
//! reaches the moderator. The layer calls `Moderation::decide` once for each request with texts, and
//! waits for the decision before the inner service is called.

mod settings;
mod texts;
mod verdict;

use palisade_core::MaybeReady;

pub use self::settings::Moderation;
pub use self::texts::{ModeratedText, ModerationRequest};
pub use self::verdict::{ModerationVerdict, ModeratorUnavailable};

/// Looks at the texts of a request, and says whether they may reach the handler.
///
/// Implement it for a moderation model or an external service, and give it to the layer with
/// [`Moderation`]. The trait can be used as `dyn Moderator`.
///
/// # Deadlines
///
/// [`Moderation`] has one, so an implementation needs none. The future is dropped at the deadline, and
/// when the client disconnects.
///
/// # Examples
///
/// A service on a network. `ask_service` stands for its client:
///
/// ```
/// use std::sync::Arc;
/// use palisade_core::MaybeReady;
/// use palisade_sanitize::{ModerationRequest, ModerationVerdict, Moderator, ModeratorUnavailable};
///
/// # async fn ask_service(_text: &str) -> std::io::Result<f32> { Ok(0.97) }
/// struct Violence;
///
/// impl Moderator for Violence {
///     fn name(&self) -> &'static str {
///         "violence"
///     }
///
///     fn moderate(
///         &self,
///         request: ModerationRequest,
///     ) -> MaybeReady<Result<ModerationVerdict, ModeratorUnavailable>> {
///         MaybeReady::pending(async move {
///             for text in request.texts() {
///                 let score = ask_service(text.text()).await;
///                 let score = score.map_err(|_| ModeratorUnavailable::new("connection"))?;
///                 if score > 0.9 {
///                     return Ok(ModerationVerdict::refuse("violence").with_score(score));
///                 }
///             }
///             Ok(ModerationVerdict::allow())
///         })
///     }
/// }
///
/// let moderator: Arc<dyn Moderator> = Arc::new(Violence);
/// assert_eq!(moderator.name(), "violence");
/// ```
pub trait Moderator: Send + Sync + 'static {
    /// Returns the name of the moderator, for the audit trail.
    fn name(&self) -> &'static str;

    /// Decides about the texts of one request.
    ///
    /// It is called within the request, so it must not block.
    ///
    /// # Errors
    ///
    /// [`ModeratorUnavailable`] if there is no decision. The request is then refused with 503
    /// (`moderation_unavailable`), or passes if [`Moderation`] says so.
    fn moderate(
        &self,
        request: ModerationRequest,
    ) -> MaybeReady<Result<ModerationVerdict, ModeratorUnavailable>>;
}
