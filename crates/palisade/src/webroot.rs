//! Responses to ACME http-01 challenges that another program puts into a folder.

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

use crate::Routes;

/// A key authorization (RFC 8555, 8.1) has about 90 bytes.
const LONGEST: u64 = 4096;
const TEMPLATE: &str = "/.well-known/acme-challenge/{token}";

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Serves ACME http-01 challenges (RFC 8555, 8.3) from the folder that a client such as certbot
    /// writes to: `certbot certonly --webroot -w FOLDER`. The file of a token is
    /// `FOLDER/.well-known/acme-challenge/TOKEN`.
    ///
    /// The route is public and counted by the limit of clients. [`HttpsLayer`](crate::HttpsLayer) lets
    /// it through in clear, which is how it is asked. The listener in clear must be reached on port 80,
    /// under a host that is served.
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
        // Missing, not readable, or no regular file: a client learns no more than that.
        Ok(Err(_)) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would be waited for.
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut content = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut content)?;
    Ok(content)
}
