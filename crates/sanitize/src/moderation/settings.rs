//! How the layer asks a moderator: deadline, bound, and what happens without a decision.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use palisade_core::{Fact, Rejection, SecurityContext};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::{ModeratedText, ModerationRequest, ModerationVerdict, Moderator, ModeratorUnavailable};

/// The name of the layer in refusals and audit facts.
const NAME: &str = "sanitize";

/// The key of the note in the audit trail, for verdicts that let a request pass and those that refuse it.
const NOTE: &str = "moderation";

/// The key for flags: a request with one is always recorded.
const FLAG: &str = "moderation_flagged";

/// Asks a [`Moderator`] about the clean texts of each request.
///
/// For [`SanitizeLayerBuilder::moderation`](crate::SanitizeLayerBuilder::moderation).
///
/// | Setting | Default |
/// |---|---|
/// | Deadline, with the time to wait for a place | 2 seconds |
/// | Requests that are moderated at the same time | 64 |
/// | Without a decision | refused with 503 (`moderation_unavailable`) |
/// | A refusal of the moderator | 422 (`moderation_refused`) |
///
/// It needs a runtime of `tokio` with a timer.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use palisade_core::MaybeReady;
/// use palisade_sanitize::{
///     Fields, Moderation, ModerationRequest, ModerationVerdict, Moderator, ModeratorUnavailable, SanitizeLayer,
/// };
///
/// /// A model in this process.
/// struct Local;
///
/// impl Moderator for Local {
///     fn name(&self) -> &'static str {
///         "local"
///     }
///
///     fn moderate(
///         &self,
///         request: ModerationRequest,
///     ) -> MaybeReady<Result<ModerationVerdict, ModeratorUnavailable>> {
///         let harmful = request.texts().iter().any(|text| text.text().contains("harm"));
///         MaybeReady::Ready(Ok(match harmful {
///             true => ModerationVerdict::refuse("harm"),
///             false => ModerationVerdict::allow(),
///         }))
///     }
/// }
///
/// let layer = SanitizeLayer::builder()
///     .fields(Fields::openai_chat())
///     .moderation(Moderation::new(Local))
///     .build()?;
/// # let _ = layer;
/// // A slow service, of which at most 16 requests may be open:
/// let moderation = Moderation::new(Local).deadline(Duration::from_secs(5)).max_concurrent(16);
/// # let _ = moderation;
/// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Moderation {
    moderator: Arc<dyn Moderator>,
    deadline: Duration,
    /// One permit for each request that may be moderated at the same time.
    places: Arc<Semaphore>,
    fail_open: bool,
    shadow: bool,
}

impl Moderation {
    /// Asks this moderator, with the defaults.
    pub fn new(moderator: impl Moderator) -> Self {
        Self::shared(Arc::new(moderator))
    }

    /// Asks a moderator that is shared with other parts of the program, with the defaults.
    pub fn shared(moderator: Arc<dyn Moderator>) -> Self {
        Self {
            moderator,
            deadline: Duration::from_secs(2),
            places: Arc::new(Semaphore::new(64)),
            fail_open: false,
            shadow: false,
        }
    }

    /// Limits the time for a decision. Default: 2 seconds.
    ///
    /// The time in which a request waits for a place is part of it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Limits the requests that are moderated at the same time, in all clones of the layer. Default: 64.
    ///
    /// Further requests wait until the deadline. 0 counts as 1.
    pub fn max_concurrent(mut self, requests: usize) -> Self {
        self.places = Arc::new(Semaphore::new(requests.clamp(1, Semaphore::MAX_PERMITS)));
        self
    }

    /// Lets requests pass if there is no decision in time. Default: they are refused with 503.
    ///
    /// A client that can slow the moderator down gets around it. The audit trail records such a request
    /// as degraded (`moderation_unavailable`).
    pub fn dangerously_fail_open(mut self) -> Self {
        self.fail_open = true;
        self
    }

    /// Refuses nothing, but records the verdict and what would have been refused.
    ///
    /// Requests still wait for the verdict. Use it only for the days of a roll-out.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Asks the moderator, and records its verdict.
    ///
    /// # Errors
    ///
    /// - 422 `moderation_refused`
    /// - 503 `moderation_unavailable`: no verdict before the deadline, or the moderator failed
    pub(crate) async fn decide(
        self,
        cx: SecurityContext,
        texts: Vec<ModeratedText>,
        layer_in_shadow: bool,
    ) -> Result<(), Box<Rejection>> {
        let verdict = self.ask(&cx, texts).await;
        let name = self.moderator.name();
        let (key, value) = match &verdict {
            Ok(verdict) if verdict.flags() => (FLAG, format!("{name}: {verdict}")),
            Ok(verdict) => (NOTE, format!("{name}: {verdict}")),
            Err(unavailable) => (NOTE, format!("{name}: {unavailable}")),
        };
        let value = value.into();
        cx.record(Fact::Noted { key, value });
        let rejection = match verdict {
            Ok(verdict) if verdict.refuses() => refused(name, &verdict),
            Ok(_) => return Ok(()),
            Err(_) if self.fail_open => {
                cx.record(Fact::Degraded {
                    guard: NAME,
                    what: "moderation_unavailable",
                });
                return Ok(());
            }
            Err(why) => unavailable(name, why),
        };
        if self.shadow || layer_in_shadow {
            cx.would_refuse(NAME, &rejection);
            return Ok(());
        }
        Err(Box::new(rejection))
    }

    /// Waits for a place and then for the verdict, both until the deadline.
    async fn ask(
        &self,
        cx: &SecurityContext,
        texts: Vec<ModeratedText>,
    ) -> Result<ModerationVerdict, ModeratorUnavailable> {
        let asked = async {
            let place = self.places.acquire().await;
            let _place = place.map_err(|_| ModeratorUnavailable::new("closed"))?;
            let request = ModerationRequest::new(cx.clone(), texts);
            self.moderator.moderate(request).get().await
        };
        let (mut late, mut asked) = (pin!(sleep(self.deadline)), pin!(asked));
        // The deadline first: what waited for a place until then must not ask for nothing.
        let first = poll_fn(|task| match late.as_mut().poll(task) {
            Poll::Ready(()) => Poll::Ready(Err(ModeratorUnavailable::new("deadline"))),
            Poll::Pending => asked.as_mut().poll(task),
        });
        first.await
    }
}

/// Refuses a text. The client is not told why: it could tell how to avoid the moderator.
fn refused(name: &str, verdict: &ModerationVerdict) -> Rejection {
    let words = "A text of the request is not permitted.";
    Rejection::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "moderation_refused",
        words,
    )
    .with_reason(format!("{name}: {verdict}"))
}

/// Refuses a request about which there is no decision.
fn unavailable(name: &str, why: ModeratorUnavailable) -> Rejection {
    let words = "The texts of the request cannot be checked now.";
    Rejection::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "moderation_unavailable",
        words,
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    .with_reason(format!("{name}: {why}"))
}

impl fmt::Debug for Moderation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moderation")
            .field("moderator", &self.moderator.name())
            .field("deadline", &self.deadline)
            .field("fail_open", &self.fail_open)
            .field("shadow", &self.shadow)
            .finish_non_exhaustive()
    }
}
