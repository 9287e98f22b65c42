//! Responds to http-01 challenges of a certificate authority, before all other layers.
//!
//! Anyone may send such requests, and no limit is outside this layer. So their cost is bounded here:
//!
//! | request | cost |
//! |---|---|
//! | a token of another form than RFC 8555 demands | a look at its characters |
//! | a token that this process published | a look-up in memory |
//! | another token | one small file is read, at most [`MAX_READS`] at once |

use std::{
    future::{Future, ready},
    io::Read,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use http::StatusCode;
use palisade_core::Peer;
use palisade_internal::{
    http_challenge::{CHALLENGE_PATH, is_challenge_token},
    private_file,
};
use tokio::sync::Semaphore;
use tower_layer::Layer;

use crate::{
    server::outer_layer::{OuterLayerService, OwnResponse, PendingResponse, Responder},
    tls::{Acme, Challenges},
};

/// How many files are read at once. Further requests wait in turn, without a thread.
///
/// A file is read in microseconds, so an authority is not kept waiting, and a flood leaves the other
/// threads for blocking work to the application.
const MAX_READS: usize = 4;

/// The most bytes of a response that another program wrote. A key authorization has about 90.
const MAX_BYTES: u64 = 4096;

/// A look-up in progress. `None`: there is no such token.
type LookUp = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// Responds to http-01 challenges (RFC 8555, section 8.3) for an [`Acme`], or for another program.
///
/// Must be outside all other layers, on the listener without TLS (port 80), so that the authority
/// passes with any `Host` and is neither limited nor recorded. `GET` and `HEAD` below
/// `/.well-known/acme-challenge/` get the response, or 404 while no order is in progress. All other
/// requests go on to the service.
///
/// Responses of other processes with the same cache are found too: a token that this process did not
/// publish is looked up in the folder. At most four files are read at once, and only for tokens of
/// the form that RFC 8555 demands; see [`ChallengeKind::Http01`](crate::server::ChallengeKind).
///
/// ```no_run
/// # async fn serve(app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade_transport::server::{Acme, ChallengeKind, ChallengeLayer, Server};
/// use tower::Layer;
///
/// let acme = Acme::builder(["tts.example.com"], "data/acme")
///     .accept_terms()
///     .challenge(ChallengeKind::Http01)
///     .build()?;
/// let http = Server::builder().listen("[::]:80".parse()?).build()?;
/// let https = Server::builder()
///     .listen("[::]:443".parse()?)
///     .tls(acme.certificates()?)
///     .build()?;
/// let redirects = ChallengeLayer::new(&acme).layer(app.clone());
/// tokio::try_join!(
///     http.serve(redirects, std::future::pending()),
///     https.serve(app, std::future::pending()),
/// )?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ChallengeLayer {
    responses: Responses,
    /// Permits for reading files, shared by all clones.
    reads: Arc<Semaphore>,
}

/// Where the responses are.
#[derive(Clone, Debug)]
enum Responses {
    /// In the memory and the cache of an `Acme`.
    Acme(Challenges),
    /// In the files of another program.
    Folder(Arc<Path>),
    Nowhere,
}

impl ChallengeLayer {
    /// Responds for this `Acme`.
    pub fn new(acme: &Acme) -> Self {
        Self::with(Responses::Acme(acme.challenges().clone()))
    }

    /// Responds for another program, such as certbot, that writes its responses to
    /// `.well-known/acme-challenge/` in this folder.
    ///
    /// A response is a regular file; of a larger one, the first 4 KiB are sent.
    ///
    /// ```
    /// use palisade_transport::server::ChallengeLayer;
    ///
    /// // certbot certonly --webroot -w /var/www/acme -d tts.example.com
    /// let layer = ChallengeLayer::webroot("/var/www/acme");
    /// # let _ = layer;
    /// ```
    pub fn webroot(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into().join(".well-known/acme-challenge");
        Self::with(Responses::Folder(folder.into()))
    }

    fn with(responses: Responses) -> Self {
        Self {
            responses,
            reads: Arc::new(Semaphore::new(MAX_READS)),
        }
    }

    /// Responds to nothing: all requests go on. For a server whose configuration has no ACME.
    ///
    /// ```
    /// use palisade_core::testing::EmptyOk;
    /// use palisade_transport::server::ChallengeLayer;
    /// use tower::Layer;
    ///
    /// // One type of service, with ACME or without.
    /// let service = ChallengeLayer::none().layer(EmptyOk::default());
    /// # let _ = service;
    /// ```
    pub fn none() -> Self {
        Self::with(Responses::Nowhere)
    }

    /// Begins to look up the response to a token. `None` if all requests go on.
    fn look_up(&self, token: &str) -> Option<LookUp> {
        if matches!(self.responses, Responses::Nowhere) {
            return None;
        }
        if !is_challenge_token(token) {
            return Some(Box::pin(ready(None)));
        }
        if let Responses::Acme(challenges) = &self.responses
            && let Some(found) = challenges.http_response_in_memory(token)
        {
            return Some(Box::pin(ready(Some(found))));
        }
        let (reads, responses) = (Arc::clone(&self.reads), self.responses.clone());
        Some(Box::pin(read(reads, responses, token.to_owned())))
    }
}

impl Responder for ChallengeLayer {
    fn respond(&self, path: &str, _: Option<&Peer>) -> Option<PendingResponse> {
        let look_up = self.look_up(path.strip_prefix(CHALLENGE_PATH)?)?;
        Some(Box::pin(async { challenge_response(look_up.await) }))
    }
}

/// Makes the response: the key authorization, or 404.
fn challenge_response(found: Option<String>) -> OwnResponse {
    OwnResponse {
        status: match &found {
            Some(_) => StatusCode::OK,
            None => StatusCode::NOT_FOUND,
        },
        content_type: "application/octet-stream",
        text: found.unwrap_or_default().into(),
    }
}

/// Reads the file of a token on a thread that may block, when it has a permit.
async fn read(reads: Arc<Semaphore>, responses: Responses, token: String) -> Option<String> {
    let permit = reads.acquire_owned().await.ok()?;
    let find = move || {
        let found = responses.read(&token);
        // Here, and not where the result is awaited: a client that left must not free it early.
        drop(permit);
        found
    };
    tokio::task::spawn_blocking(find).await.ok().flatten()
}

impl Responses {
    /// Reads the response to a token, which has no `/` and no `.`.
    fn read(&self, token: &str) -> Option<String> {
        match self {
            Self::Acme(challenges) => challenges.http_response(token),
            Self::Folder(folder) => read_file(folder, token),
            Self::Nowhere => None,
        }
    }
}

/// Reads the response to a token, a small regular file. `None` for anything else: a pipe could block for
/// ever, and a link could lead to a file that is not meant for clients.
///
/// A key authorization is the token, a dot and a thumbprint (RFC 8555, section 8.1).
fn read_file(folder: &Path, token: &str) -> Option<String> {
    let mut file = private_file::open_unlinked(&folder.join(token))
        .ok()?
        .take(MAX_BYTES);
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.strip_prefix(token)?.starts_with('.').then_some(text)
}

impl<S> Layer<S> for ChallengeLayer {
    type Service = OuterLayerService<S>;

    fn layer(&self, inner: S) -> OuterLayerService<S> {
        OuterLayerService::new(self.clone(), inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        fs,
        sync::mpsc,
        task::{Context, Poll, Waker},
    };

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use tower::{Service as _, service_fn};

    use super::*;
    use crate::server::{ChallengeKind, OuterLayerFuture};

    const PUBLISHED: &str = "published-token-of-this-process";
    const UNKNOWN: &str = "a-token-that-nothing-published";
    const OTHER: &str = "a-name-whose-file-is-no-response";
    #[cfg(unix)]
    const LINK: &str = "a-name-that-leads-to-a-response";

    type Inner = std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn acme(folder: &tempfile::TempDir) -> Acme {
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let builder = Acme::builder(["a.example"], folder.path()).root(made.cert.pem());
        let builder = builder.challenge(ChallengeKind::Http01).accept_terms();
        builder.build().unwrap()
    }

    /// Begins a request for a token.
    fn request(layer: &ChallengeLayer, token: &str) -> Pin<Box<OuterLayerFuture<Inner>>> {
        let inner = |_: Request<()>| -> Inner { ready(Ok(Response::default())) };
        let request = Request::get(format!("{CHALLENGE_PATH}{token}"))
            .body(())
            .unwrap();
        Box::pin(layer.layer(service_fn(inner)).call(request))
    }

    /// The status, if there is a response already.
    fn status(future: &mut Pin<Box<OuterLayerFuture<Inner>>>) -> Option<StatusCode> {
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(response) => Some(response.unwrap().status()),
            Poll::Pending => None,
        }
    }

    /// A runtime with one thread for blocking work, which waits until the sender is dropped.
    fn with_busy_thread() -> (tokio::runtime::Runtime, mpsc::Sender<()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        let (sender, receiver) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || receiver.recv());
        (runtime, sender)
    }

    #[tokio::test]
    async fn only_regular_files_of_the_folder_of_another_program_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        let challenges = folder.path().join(".well-known/acme-challenge");
        fs::create_dir_all(challenges.join(UNKNOWN)).unwrap();
        fs::write(challenges.join(PUBLISHED), format!("{PUBLISHED}.thumb")).unwrap();
        fs::write(challenges.join(OTHER), "password").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let layer = ChallengeLayer::webroot(folder.path());
        for (token, expected) in [
            (PUBLISHED, 200),
            (UNKNOWN, 404),
            (OTHER, 404),
            ("another-token-of-no-program", 404),
            ("../../secret", 404),
        ] {
            let response = request(&layer, token).await.unwrap();
            assert_eq!(response.status(), expected, "{token}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_folder_of_another_program_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let response = format!("{LINK}.thumb");
        fs::write(folder.path().join("file"), &response).unwrap();
        let path = folder.path().join(LINK);
        std::os::unix::fs::symlink(folder.path().join("file"), &path).unwrap();
        assert_eq!(read_file(folder.path(), LINK), None);
        fs::remove_file(&path).unwrap();
        fs::hard_link(folder.path().join("file"), &path).unwrap();
        assert_eq!(read_file(folder.path(), LINK), None, "a second name");
        fs::remove_file(folder.path().join("file")).unwrap();
        assert_eq!(read_file(folder.path(), LINK), Some(response));
    }

    #[test]
    fn what_is_no_token_and_what_is_in_memory_need_no_disk() {
        let folder = tempfile::tempdir().unwrap();
        let acme = acme(&folder);
        let layer = ChallengeLayer::new(&acme);
        let published = acme.challenges().publish_http(PUBLISHED, "key").unwrap();
        let (runtime, busy) = with_busy_thread();
        let _entered = runtime.enter();
        let long = "x".repeat(129);
        let malformed = [
            "",
            "short",
            "a/b",
            "%2e%2e%2fa",
            "=",
            &long,
            "tokens-have-no-padding=",
        ];
        for token in malformed {
            let found = status(&mut request(&layer, token));
            assert_eq!(found, Some(StatusCode::NOT_FOUND), "{token}");
        }
        let found = status(&mut request(&layer, PUBLISHED));
        assert_eq!(found, Some(StatusCode::OK));
        // Only this one needs the thread, which is busy.
        assert_eq!(status(&mut request(&layer, UNKNOWN)), None);
        drop((published, busy));
    }

    #[test]
    fn a_flood_of_tokens_reads_four_files_at_once_and_all_get_a_response() {
        let folder = tempfile::tempdir().unwrap();
        let layer = ChallengeLayer::new(&acme(&folder));
        let (runtime, busy) = with_busy_thread();
        let mut flood: Vec<_> = {
            let _entered = runtime.enter();
            (0..100).map(|_| request(&layer, UNKNOWN)).collect()
        };
        let waits = {
            let _entered = runtime.enter();
            flood.iter_mut().all(|future| status(future).is_none())
        };
        assert!(waits, "each waits for the thread or for a permit");
        assert_eq!(layer.reads.available_permits(), 0);
        // Clients that leave free no permit before their file was read.
        flood.drain(..50);
        assert_eq!(layer.reads.available_permits(), 0);
        drop(busy);
        runtime.block_on(async {
            for future in flood {
                assert_eq!(future.await.unwrap().status(), StatusCode::NOT_FOUND);
            }
        });
        assert_eq!(layer.reads.available_permits(), MAX_READS);
    }
}
