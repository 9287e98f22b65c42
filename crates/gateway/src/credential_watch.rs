//! Ends what is open when the credential that opened it has ended.
//!
//! The stack verifies a credential once, when the request arrives. A WebSocket or a stream may go on for
//! hours after that. So the gateway asks the authenticators again, every `credential_check_seconds` of
//! `[[upstreams]]`.
//!
//! | outcome | what happens |
//! |---|---|
//! | valid | it is asked again after the interval |
//! | expired, revoked, removed, fewer scopes, or of a kind that the configuration has no longer | both sides are closed |
//! | its store or issuer cannot be asked | it goes on, at most 5 minutes |
//!
//! The audit record gets `credential_ended` with the reason. A request without a principal has nothing
//! to check.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use palisade::core::{
    AuthenticateLayer, BoxFuture, CredentialFailure, CredentialState, Fact, SecurityContext,
};
use tokio::time::{Instant, sleep_until};

/// How long something stays open while no one can say whether its credential is valid. As long as
/// introspection uses an older response in an outage.
const LONGEST_OUTAGE: Duration = Duration::from_secs(300);
/// The field of the audit record that has the reason.
const FIELD: &str = "credential_ended";

/// The authenticators that decide now. Clones share them; a reload replaces them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials(Arc<ArcSwapOption<AuthenticateLayer>>);

impl Credentials {
    /// Sets the authenticators of the stack that serves. `None`: it has none, so every credential has
    /// ended.
    pub(crate) fn replace_layer(&self, layer: Option<AuthenticateLayer>) {
        self.0.store(layer.map(Arc::new));
    }

    /// Returns what checks the credential of a request from now on. `None`: the client is a guest.
    /// The first check is one interval from now, since the stack has just verified the credential.
    pub(crate) fn watch_request(
        &self,
        cx: &SecurityContext,
        every: Duration,
    ) -> Option<CredentialWatch> {
        cx.principal()?;
        Some(CredentialWatch {
            credentials: self.clone(),
            cx: cx.clone(),
            every,
            due: Instant::now() + every,
            unknown_since: None,
            check: None,
        })
    }

    /// Returns the challenges for another credential.
    pub(crate) fn challenges(&self) -> Vec<HeaderValue> {
        let layer = self.0.load_full();
        layer.map(|layer| layer.challenges()).unwrap_or_default()
    }

    /// Asks the authenticators that decide now.
    /// Without authenticators the credential has ended.
    async fn recheck(self, cx: SecurityContext) -> CredentialState {
        match self.0.load_full() {
            Some(layer) => layer.recheck(&cx).await,
            None => CredentialState::Ended(CredentialFailure::NotAllowedHere),
        }
    }
}

/// Checks the credential of one request again and again.
pub(crate) struct CredentialWatch {
    /// The authenticators of the stack in force, also after a reload.
    credentials: Credentials,
    /// Has the credential, and gets the reason at the end.
    cx: SecurityContext,
    /// The time between two checks: `credential_check_seconds` of the upstream. Default: 10 s.
    every: Duration,
    /// When the next check begins.
    due: Instant,
    /// Since when no one can say whether the credential is valid.
    unknown_since: Option<Instant>,
    /// The check that is in progress.
    check: Option<BoxFuture<CredentialState>>,
}

/// The credential has ended, and with it what it opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CredentialEnded;

impl fmt::Display for CredentialEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the credential of the client has ended")
    }
}

impl std::error::Error for CredentialEnded {}

/// Waits until a credential has ended. `None`: for ever.
pub(crate) async fn ended(watch: Option<CredentialWatch>) -> CredentialEnded {
    match watch {
        Some(watch) => watch.until_ended().await,
        None => std::future::pending().await,
    }
}

impl CredentialWatch {
    /// Waits until the credential has ended, and records why.
    async fn until_ended(mut self) -> CredentialEnded {
        loop {
            sleep_until(self.due).await;
            let state = self.credentials.clone().recheck(self.cx.clone()).await;
            if let Some(ended) = self.note_state(state) {
                return ended;
            }
        }
    }

    /// Returns when `poll_ended` has to be called again. `None`: a check is in progress, which wakes
    /// the task.
    pub(crate) fn next_check(&self) -> Option<Instant> {
        self.check.is_none().then_some(self.due)
    }

    /// Begins a check if one is due. Sets no timer: see `next_check`.
    pub(crate) fn poll_ended(&mut self, task: &mut Context<'_>) -> Poll<CredentialEnded> {
        if self.check.is_none() && Instant::now() < self.due {
            return Poll::Pending;
        }
        let check = self
            .check
            .get_or_insert_with(|| Box::pin(self.credentials.clone().recheck(self.cx.clone())));
        let state = ready!(check.as_mut().poll(task));
        self.check = None;
        match self.note_state(state) {
            Some(ended) => Poll::Ready(ended),
            None => Poll::Pending,
        }
    }

    /// Sets when the next check is due. Returns the end, if this is it.
    fn note_state(&mut self, state: CredentialState) -> Option<CredentialEnded> {
        let now = Instant::now();
        self.due = now + self.every;
        let reason = match state {
            CredentialState::Valid => {
                self.unknown_since = None;
                return None;
            }
            CredentialState::Ended(failure) => failure.as_str(),
            _ => {
                let since = *self.unknown_since.get_or_insert(now);
                if now - since < LONGEST_OUTAGE {
                    return None;
                }
                "unknown"
            }
        };
        let value = reason.into();
        self.cx.record(Fact::Noted { key: FIELD, value });
        Some(CredentialEnded)
    }
}

impl fmt::Debug for CredentialWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialWatch")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use http::{HeaderName, Request, request};
    use palisade::core::{
        Authenticator, AuthenticatorId, Credential, CredentialSource, Guard as _, Principal,
        Rejection, Verdict,
    };

    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    /// Accepts everything at first. A second verification has the outcome that the test sets.
    #[derive(Clone)]
    struct Switchable(AuthenticatorId, Arc<Mutex<Option<Rejection>>>);

    fn anna() -> Principal {
        Principal::builder("test", "anna").build()
    }

    fn challenge() -> HeaderValue {
        HeaderValue::from_static("Test")
    }

    impl Authenticator for Switchable {
        fn id(&self) -> AuthenticatorId {
            self.0
        }

        fn kind(&self) -> &'static str {
            "test"
        }

        fn sources(&self) -> Vec<CredentialSource> {
            vec![CredentialSource::header(HeaderName::from_static("x-test"))]
        }

        fn authenticate(
            &self,
            _: &SecurityContext,
            _: &mut request::Parts,
            _: &Credential,
        ) -> Verdict<Principal> {
            Verdict::Admit(anna())
        }

        fn recheck(&self, _: &SecurityContext, _: &Credential) -> Option<Verdict<Principal>> {
            Some(match &*self.1.lock().unwrap() {
                None => Verdict::Admit(anna()),
                Some(rejection) => rejection.clone().into(),
            })
        }

        fn challenge(&self) -> HeaderValue {
            challenge()
        }
    }

    /// A watch for an admitted request, what decides about it, and its context.
    fn admitted() -> (CredentialWatch, Switchable, SecurityContext) {
        let switchable = Switchable(AuthenticatorId::unique(), Arc::default());
        let layer = AuthenticateLayer::new(switchable.clone());
        let request = Request::get("/").header("x-test", "credential").body(());
        let mut head = request.unwrap().into_parts().0;
        let cx = SecurityContext::find_or_create(&mut head);
        assert!(matches!(layer.admit(&cx, &mut head), Verdict::Admit(())));
        let credentials = Credentials::default();
        credentials.replace_layer(Some(layer));
        (
            credentials.watch_request(&cx, EVERY).unwrap(),
            switchable,
            cx,
        )
    }

    fn reason(cx: &SecurityContext) -> Option<String> {
        cx.facts().into_iter().find_map(|fact| match fact {
            Fact::Noted { key, value } if key == FIELD => Some(value.into_owned()),
            _ => None,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_found_at_the_next_check_and_recorded() {
        let (watch, switchable, cx) = admitted();
        let begin = Instant::now();
        let revoke = async {
            tokio::time::sleep(Duration::from_secs(35)).await;
            let revoked = Rejection::credentials_invalid(challenge());
            let revoked = revoked.with_credential_failure(CredentialFailure::Revoked);
            *switchable.1.lock().unwrap() = Some(revoked);
        };
        tokio::join!(watch.until_ended(), revoke);
        assert_eq!(begin.elapsed().as_secs(), 40);
        assert_eq!(reason(&cx).unwrap(), "revoked");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_five_minutes_is_the_end_and_a_shorter_one_is_not() {
        let (watch, switchable, cx) = admitted();
        let begin = Instant::now();
        let set = |outcome| *switchable.1.lock().unwrap() = outcome;
        let outages = async {
            let outage = || Some(Rejection::unavailable(Duration::from_secs(1)));
            set(outage());
            tokio::time::sleep(Duration::from_secs(305)).await;
            set(None);
            tokio::time::sleep(Duration::from_secs(10)).await;
            set(outage());
        };
        tokio::join!(watch.until_ended(), outages);
        // Checks from 10 s to 300 s found an outage, that of 310 s none, and all from 320 s one again.
        assert_eq!(begin.elapsed().as_secs(), 620);
        assert_eq!(reason(&cx).unwrap(), "unknown");
    }

    #[tokio::test(start_paused = true)]
    async fn polled_by_its_times_it_finds_the_same() {
        let (mut watch, switchable, _) = admitted();
        let begin = Instant::now();
        *switchable.1.lock().unwrap() = Some(Rejection::credentials_invalid(challenge()));
        let ended = loop {
            let polled = std::future::poll_fn(|task| Poll::Ready(watch.poll_ended(task))).await;
            match (polled, watch.next_check()) {
                (Poll::Ready(ended), _) => break ended,
                (Poll::Pending, Some(due)) => sleep_until(due).await,
                (Poll::Pending, None) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(ended, CredentialEnded);
        assert_eq!(begin.elapsed(), EVERY);
    }
}
