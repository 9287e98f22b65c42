//! Serves responses to ACME http-01 challenges that another program writes to a folder.
//!
//! Everything but a readable regular file with a valid name and the content of a response is status 404.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    extract::Path as PathParameters,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use palisade_core::Rule;
use palisade_internal::{http_challenge::is_challenge_token, private_file};
use tokio::sync::Semaphore;

use crate::routes::Routes;

/// The most bytes that are read of a file. A key authorization (RFC 8555, section 8.1) has about
/// 90.
const LONGEST: u64 = 4096;
/// How many files are read at once, so that a flood leaves the threads for blocking work to others.
const MAX_READS: usize = 4;
/// The path of a challenge (RFC 8555, section 8.3).
const TEMPLATE: &str = "/.well-known/acme-challenge/{token}";

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Serves ACME http-01 challenges (RFC 8555, 8.3) from the folder that a client such as certbot
    /// writes to: `certbot certonly --webroot -w FOLDER`. The file of a token is
    /// `FOLDER/.well-known/acme-challenge/TOKEN`.
    ///
    /// The route is public, and the limit of clients counts it. [`HttpsLayer`](crate::HttpsLayer)
    /// allows it without TLS, as the protocol requires. The certificate authority must reach the
    /// listener without TLS on port 80, under a host that is served.
    ///
    /// A token that is not base64url of 22 to 128 characters gets status 404. So does a missing file, a link,
    /// a file with a second name, and one that does not begin with the token and a dot. At most four files are read at once; other requests wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{Routes, Rule};
    ///
    /// let routes = Routes::new()
    ///     .get("/", Rule::public(), async || "ok")
    ///     .acme_webroot("/var/lib/acme");
    /// # let _: Routes = routes;
    /// ```
    pub fn acme_webroot(self, folder: impl Into<PathBuf>) -> Self {
        let webroot = Arc::new(Webroot {
            folder: folder.into().join(".well-known/acme-challenge"),
            reads: Arc::new(Semaphore::new(MAX_READS)),
        });
        let respond = move |PathParameters(token): PathParameters<String>| {
            let webroot = Arc::clone(&webroot);
            async move { webroot.respond(&token).await }
        };
        self.get(TEMPLATE, Rule::public(), respond)
    }
}

/// The folder of the responses.
struct Webroot {
    folder: PathBuf,
    /// Permits for reading files.
    reads: Arc<Semaphore>,
}

impl Webroot {
    /// Responds with the content of the file of a token, or with status 404.
    ///
    /// A token has no `/` and no `.`, so no other folder can be read. What is no token costs no look
    /// at the disk.
    async fn respond(&self, token: &str) -> Response {
        if !is_challenge_token(token) {
            return StatusCode::NOT_FOUND.into_response();
        }
        match self.read(token).await {
            Some(content) => (
                [(header::CONTENT_TYPE, "application/octet-stream")],
                content,
            )
                .into_response(),
            // Missing, not readable, or not a regular file: the client does not learn which.
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// Reads the file on a thread that may block, when it has a permit.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not a regular file, or is longer.
    async fn read(&self, token: &str) -> Option<Vec<u8>> {
        let permit = Arc::clone(&self.reads).acquire_owned().await.ok()?;
        let (folder, token) = (self.folder.clone(), token.to_owned());
        let reading = tokio::task::spawn_blocking(move || {
            let content = read(&folder, &token);
            drop(permit);
            content
        });
        reading.await.ok()?.ok()
    }
}

/// Reads the response to a token, at most [`LONGEST`] bytes. It blocks, so it runs on a thread for that.
///
/// A link is not followed. A key authorization is the token, a dot and a thumbprint (RFC 8555, section
/// 8.1): another file is not sent.
fn read(folder: &Path, token: &str) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = private_file::open_unlinked(&folder.join(token))?;
    file.take(LONGEST).read_to_end(&mut content)?;
    let after = content.strip_prefix(token.as_bytes());
    match after.is_some_and(|after| after.starts_with(b".")) {
        true => Ok(content),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}
