//! The head of a request: method, target, headers, cookies, credentials.

use std::borrow::Cow;

use super::{Values, number};
use crate::body::{BodyFormat, Text, bounded_pairs, decode_pairs};
use crate::engine::view::RequestView;
use crate::operator::is_wrong_url_encoding;
use crate::transformation::Transformation;
use crate::variables::Collection;

impl<'r> Values<'r> {
    /// Reads the head of a request.
    ///
    /// The format of the body is chosen here by its media type; a rule of phase 1 may change it.
    pub(crate) fn read_head(&mut self, request: &RequestView<'r>) {
        use Collection as C;
        self.read_target(request);
        let protocol = Cow::Borrowed(request.version.as_bytes());
        let line = [request.method, request.target, request.version.as_bytes()].join(&b' ');
        let client = request
            .client
            .map(|client| client.to_string())
            .unwrap_or_default()
            .into_bytes();
        self.set(C::RequestMethod, Cow::Borrowed(request.method));
        self.set(C::RequestProtocol, protocol);
        self.set(C::RequestLine, Cow::Owned(line));
        self.set(C::RemoteHost, Cow::Owned(client.clone()));
        self.set(C::RemoteAddr, Cow::Owned(client));
        for &(name, value) in &request.headers {
            let pair = (Cow::Borrowed(name), Cow::Borrowed(value));
            self.add_named(&[C::RequestHeaders], &[C::RequestHeadersNames], pair, false);
            if name.eq_ignore_ascii_case(b"cookie") {
                self.read_cookies(value);
            }
        }
        let content_type = request.header(b"content-type").unwrap_or_default();
        let processor = BodyFormat::of_content_type(content_type).map_or("", BodyFormat::name);
        self.set(C::ReqbodyProcessor, Cow::Borrowed(processor.as_bytes()));
        let host = request.header(b"host").unwrap_or_default();
        self.set(C::ServerName, Cow::Borrowed(host));
        self.set(C::InboundDataError, number(0));
        self.read_credentials(request.header(b"authorization").unwrap_or_default());
    }

    /// Reads the scheme of authentication, and the name of `Basic` (RFC 7617, section 2).
    fn read_credentials(&mut self, header: &'r [u8]) {
        let at = header.iter().position(|byte| *byte == b' ');
        let (scheme, rest) = header.split_at(at.unwrap_or(header.len()));
        let user = match scheme.eq_ignore_ascii_case(b"basic") {
            true => Transformation::Base64Decode.apply(rest.trim_ascii()),
            false => None,
        };
        let mut user = user.unwrap_or_default();
        user.truncate(memchr::memchr(b':', &user).unwrap_or(user.len()));
        self.set(Collection::AuthType, Cow::Borrowed(scheme));
        self.set(Collection::RemoteUser, Cow::Owned(user));
    }

    /// Reads the target: path, query and what follows from them.
    ///
    /// The query is split and decoded as a form is. Parameters beyond 1,000 are one value.
    fn read_target(&mut self, request: &RequestView<'r>) {
        use Collection as C;
        let target = request.target;
        self.set(C::RequestUriRaw, Cow::Borrowed(target));
        let local = without_host(target);
        self.set(C::RequestUri, Cow::Borrowed(local));
        let at = memchr::memchr(b'?', local);
        let path = local.get(..at.unwrap_or(local.len())).unwrap_or_default();
        let query = at.and_then(|at| local.get(at + 1..)).unwrap_or_default();
        // The path as a handler sees it. A rule that decodes once more finds double encodings.
        let decoded = percent_decode(path);
        let basename = decoded
            .rsplit(|byte| matches!(byte, b'/' | b'\\'))
            .next()
            .unwrap_or_default();
        self.set(C::RequestBasename, Cow::Owned(basename.to_vec()));
        self.set(C::RequestFilename, decoded.clone());
        self.set(C::PathInfo, decoded);
        self.set(C::QueryString, Cow::Borrowed(query));
        self.set(
            C::UrlencodedError,
            number(usize::from(is_wrong_url_encoding(query))),
        );
        for pair in bounded_pairs(query, b'&') {
            let values = [C::Args, C::ArgsGet];
            self.add_named(
                &values,
                &[C::ArgsNames, C::ArgsGetNames],
                decode_pairs(pair),
                false,
            );
        }
    }

    /// Reads a `Cookie` header.
    ///
    /// A cookie without `=` is a name with an empty value (RFC 6265, section 4.2, has the format).
    /// Cookies of one header beyond 1,000 are one value.
    fn read_cookies(&mut self, header: &'r [u8]) {
        for (name, value) in bounded_pairs(header, b';') {
            let pair = (Cow::Borrowed(name.trim_ascii_start()), Cow::Borrowed(value));
            self.add_named(
                &[Collection::RequestCookies],
                &[Collection::RequestCookiesNames],
                pair,
                false,
            );
        }
    }
}

/// The target without scheme and host.
///
/// An absolute URL without a path has the path `/`. A target that is neither (such as `*`) stays
/// as it is.
fn without_host(target: &[u8]) -> &[u8] {
    if target.starts_with(b"/") {
        return target;
    }
    let Some(at) = memchr::memmem::find(target, b"://") else {
        return target;
    };
    let rest = target.get(at + 3..).unwrap_or_default();
    rest.iter()
        .position(|byte| *byte == b'/')
        .and_then(|at| rest.get(at..))
        .unwrap_or(b"/")
}

/// Decodes `%41`. A `+` is a plus in a path.
///
/// The path is split at `+` first, because the decoder of forms would make a blank of it.
fn percent_decode(path: &[u8]) -> Text<'_> {
    if memchr::memchr(b'%', path).is_none() {
        return Cow::Borrowed(path);
    }
    let parts = path.split(|byte| *byte == b'+');
    let decoded = parts.map(|part| {
        Transformation::UrlDecode
            .apply(part)
            .unwrap_or_else(|| part.to_vec())
    });
    Cow::Owned(decoded.collect::<Vec<_>>().join(&b'+'))
}
