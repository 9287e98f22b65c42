//! The identifier of a protected resource: an absolute URI in one canonical form (RFC 8707 section
//! 2, RFC 9728 section 1.2).

use std::{fmt, sync::Arc};

/// What RFC 9728 inserts between host and path of a resource (section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// In bytes.
const LONGEST_URI: usize = 512;

/// The canonical identifier of a resource: scheme and host in lower case, no default port, no `/`
/// alone as path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ResourceUri {
    text: Arc<str>,
    /// Where the path begins; the end of the text if there is none.
    path_start: usize,
}

/// What is wrong with the identifier of a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResourceUriProblem {
    /// The host or the port is missing or malformed, or there is a user.
    Authority,
    /// It has a query or a fragment: clients could then not find the metadata.
    QueryOrFragment,
    /// It does not begin with `https://`.
    Scheme,
    /// The path has an escape, an empty segment, a dot segment or another unusual character: a
    /// server could read it in two ways.
    Path,
    /// It is longer than 512 bytes.
    TooLong,
}

impl fmt::Display for ResourceUriProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => "has no plain host and port; write https://HOST/PATH",
            Self::Path => {
                "has a path with an escape, an empty or dot segment, or an unusual character; use letters, digits and - . _ ~"
            }
            Self::QueryOrFragment => "has a query or a fragment; leave it out",
            Self::Scheme => "does not begin with https://",
            Self::TooLong => "is longer than 512 bytes",
        })
    }
}

impl ResourceUri {
    /// Parses an identifier and brings it into its canonical form.
    pub(super) fn parse(text: &str, allow_http: bool) -> Result<Self, ResourceUriProblem> {
        if text.len() > LONGEST_URI {
            return Err(ResourceUriProblem::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(ResourceUriProblem::Scheme)?;
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", ":443"),
            "http" if allow_http => ("http", ":80"),
            _ => return Err(ResourceUriProblem::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(ResourceUriProblem::QueryOrFragment);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
        if !is_authority(authority) {
            return Err(ResourceUriProblem::Authority);
        }
        let path = if path == "/" { "" } else { path };
        if !is_plain_path(path) {
            return Err(ResourceUriProblem::Path);
        }
        let origin = format!("{scheme}://{authority}");
        Ok(Self {
            path_start: origin.len(),
            text: format!("{origin}{path}").into(),
        })
    }

    /// Returns the canonical form.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the canonical form, for what outlives the request.
    pub(super) fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Returns scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        self.text.get(..self.path_start).unwrap_or_default()
    }

    /// Returns the path; empty for the whole host.
    pub(super) fn path(&self) -> &str {
        self.text.get(self.path_start..).unwrap_or_default()
    }

    /// Returns the path of the metadata.
    pub(super) fn metadata_path(&self) -> String {
        format!("{WELL_KNOWN}{}", self.path())
    }

    /// Returns the address of the metadata.
    pub(super) fn metadata_url(&self) -> String {
        format!("{}{WELL_KNOWN}{}", self.origin(), self.path())
    }

    /// Returns every form in which `aud` may name this resource. For a whole host, with and without
    /// `/`: both are the same URI (RFC 3986 section 6.2.3).
    pub(super) fn audiences(&self) -> Vec<String> {
        let mut all = vec![self.text.to_string()];
        if self.path().is_empty() {
            all.push(format!("{}/", self.text));
        }
        all
    }

    /// Tells whether the raw path of a request belongs to this resource: it is the path of the
    /// resource, or below it.
    pub(super) fn covers(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(self.path()) else {
            return false;
        };
        rest.is_empty() || rest.starts_with('/') || self.path().ends_with('/')
    }
}

/// Tells whether a text is a host and perhaps a port: a name, an IPv4 address, or an IPv6 address in
/// brackets.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let in_brackets = |host: &str| {
        let inside = host.strip_prefix('[')?.strip_suffix(']')?;
        inside.parse::<std::net::Ipv6Addr>().ok()
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !host.is_empty() && host.bytes().all(plain);
    port.is_none_or(is_port) && (is_name || in_brackets(host).is_some())
}

/// Tells whether every reader sees the same segments in a path. None of its characters can end the
/// quotes of a challenge.
fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    let mut segments = path.split('/').skip(1).peekable();
    let mut unusual = false;
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        unusual |= matches!(segment, "." | "..") || (segment.is_empty() && !is_last);
    }
    path.bytes().all(plain) && !unusual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, canonical: &str, metadata: &str) {
        let uri = ResourceUri::parse(text, false).unwrap();
        assert_eq!(uri.as_str(), canonical);
        assert_eq!(uri.metadata_url(), metadata);
    }

    #[test]
    fn the_metadata_stands_between_host_and_path() {
        let base = "https://tts.example/.well-known/oauth-protected-resource";
        check("https://tts.example", "https://tts.example", base);
        check("HTTPS://TTS.example:443/", "https://tts.example", base);
        let below = format!("{base}/a/Mcp");
        check(
            "https://tts.example/a/Mcp",
            "https://tts.example/a/Mcp",
            &below,
        );
        let slash = format!("{base}/mcp/");
        check(
            "https://tts.example/mcp/",
            "https://tts.example/mcp/",
            &slash,
        );
        check(
            "https://[::1]:8443/mcp",
            "https://[::1]:8443/mcp",
            "https://[::1]:8443/.well-known/oauth-protected-resource/mcp",
        );
    }

    #[test]
    fn an_identifier_that_can_be_read_in_two_ways_is_refused() {
        use ResourceUriProblem as Problem;
        for (text, problem) in [
            ("tts.example/mcp", Problem::Scheme),
            ("http://tts.example/mcp", Problem::Scheme),
            ("ftp://tts.example/", Problem::Scheme),
            ("https://", Problem::Authority),
            ("https:///mcp", Problem::Authority),
            ("https://user@tts.example/mcp", Problem::Authority),
            ("https://tts.example:0/mcp", Problem::Authority),
            ("https://tts.example:99999/mcp", Problem::Authority),
            ("https://tts.example:/mcp", Problem::Authority),
            ("https://[::1/mcp", Problem::Authority),
            ("https://tts example/mcp", Problem::Authority),
            ("https://tts.example\"/mcp", Problem::Authority),
            ("https://tts.example/mcp?a=b", Problem::QueryOrFragment),
            ("https://tts.example/mcp#a", Problem::QueryOrFragment),
            ("https://tts.example/m%63p", Problem::Path),
            ("https://tts.example//mcp", Problem::Path),
            ("https://tts.example/a/../mcp", Problem::Path),
            ("https://tts.example/./mcp", Problem::Path),
            ("https://tts.example/mcp\"", Problem::Path),
            ("https://tts.example/mcp\\", Problem::Path),
            ("https://tts.example/{mcp}", Problem::Path),
            ("https://tts.example/\u{e9}", Problem::Path),
            ("https://tts.example/a\r\nb", Problem::Path),
        ] {
            assert_eq!(ResourceUri::parse(text, false), Err(problem), "{text:?}");
        }
        let long = format!("https://tts.example/{}", "a".repeat(512));
        assert_eq!(ResourceUri::parse(&long, false), Err(Problem::TooLong));
        assert!(ResourceUri::parse("http://127.0.0.1:8080/mcp", true).is_ok());
    }

    #[test]
    fn a_resource_covers_whole_segments_and_no_mere_prefix() {
        let check = |uri: &str, path: &str, expected| {
            let uri = ResourceUri::parse(uri, false).unwrap();
            assert_eq!(uri.covers(path), expected, "{uri:?} {path}");
        };
        check("https://tts.example/mcp", "/mcp", true);
        check("https://tts.example/mcp", "/mcp/a", true);
        check("https://tts.example/mcp", "/mcp2", false);
        check("https://tts.example/mcp", "/%6dcp", false);
        check("https://tts.example/mcp", "/", false);
        check("https://tts.example/mcp/", "/mcp", false);
        check("https://tts.example/mcp/", "/mcp/a", true);
        check("https://tts.example", "/anything", true);
    }
}
