//! Serves responses to ACME http-01 challenges that another program writes to a folder.
//!
//! Everything but a readable regular file with a valid name is status 404.

use std::{
    fs::File,
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

use crate::routes::Routes;

/// The most bytes that are read of a file. A key authorization (RFC 8555, section 8.1) has about
/// 90.
const LONGEST: u64 = 4096;
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
    /// A token that has other characters than letters, digits, `-` and `_`, or more than 256 of
    /// them, gets status 404, as does a missing file.
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
        let folder: Arc<Path> = folder.into().into();
        let folder: Arc<Path> = folder.join(".well-known/acme-challenge").into();
        let respond = move |PathParameters(token): PathParameters<String>| {
            let folder = Arc::clone(&folder);
            async move { respond(&folder, &token).await }
        };
        self.get(TEMPLATE, Rule::public(), respond)
    }
}

/// Responds with the content of the file of a token, or with status 404. A token with a `/` or a
/// `.` is refused, so no other folder can be read.
async fn respond(folder: &Path, token: &str) -> Response {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(1..=256).contains(&token.len()) || !token.bytes().all(plain) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = folder.join(token);
    let read = tokio::task::spawn_blocking(move || read(&path));
    match read.await {
        Ok(Ok(content)) => (
            [(header::CONTENT_TYPE, "application/octet-stream")],
            content,
        )
            .into_response(),
        // Missing, not readable, or not a regular file: the client does not learn which.
        Ok(Err(_)) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Reads a regular file, at most [`LONGEST`] bytes. It blocks, so it runs on a thread for that.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Reading a pipe could block forever.
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut content = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut content)?;
    Ok(content)
}
