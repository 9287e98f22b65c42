//! The request that a proxy asks about, from the fields in which it describes it.
//!
//! Each field must be there once. Missing or doubled fields are an error: then the proxy is not set up
//! as the book says, and a decision about another request would be worse than none. Envoy describes the
//! request by the method and the path of its question.

use http::{HeaderMap, HeaderName, Method, Uri, header, request::Parts, uri::PathAndQuery};
use palisade::core::SecurityContext;

/// The path that comes before that of the request (`path_prefix` of Envoy).
const ENVOY: &str = "/auth/envoy";

/// How a proxy describes the original request, and which statuses it passes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dialect {
    /// Envoy's `ext_authz` over HTTP: every refusal is passed on as it is.
    Envoy,
    /// Caddy's `forward_auth` and Traefik's `forwardAuth`: every refusal is passed on as it is.
    Forward,
    /// nginx's `auth_request`: 401 and 403 are refusals, any other status is a failure.
    Nginx,
}

/// The path and query that the proxy will forward, for comparison after the stack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct OriginalTarget(pub(super) PathAndQuery);

impl Dialect {
    /// Returns the dialect of a path of the endpoint. `None`: it is no such path.
    pub(super) fn for_path(path: &str) -> Option<Self> {
        match path {
            "/auth/forward" => Some(Self::Forward),
            "/auth/nginx" => Some(Self::Nginx),
            _ if path.starts_with(ENVOY) => Some(Self::Envoy),
            _ => None,
        }
    }

    /// The names of the fields with method and target. `None`: they are those of the question.
    const fn field_names(self) -> Option<[HeaderName; 2]> {
        let (method, target) = match self {
            Self::Envoy => return None,
            Self::Forward => ("x-forwarded-method", "x-forwarded-uri"),
            Self::Nginx => ("x-original-method", "x-original-uri"),
        };
        Some([
            HeaderName::from_static(method),
            HeaderName::from_static(target),
        ])
    }

    /// Returns the name for log lines.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Envoy => "Envoy",
            Self::Forward => "Caddy, Traefik",
            Self::Nginx => "nginx",
        }
    }

    /// Turns the question into the request that is asked about. `None`: it is not described.
    ///
    /// The fields of the question are removed, so that the stack sees what the upstream will see.
    ///
    /// | dialect | method | path and query |
    /// |---|---|---|
    /// | Envoy | that of the question | those of the question, without the prefix |
    /// | Caddy, Traefik | `X-Forwarded-Method` | `X-Forwarded-Uri` |
    /// | nginx | `X-Original-Method` | `X-Original-URI` |
    pub(super) fn restore_request(self, head: &mut Parts) -> Option<()> {
        let (method, target) = match self.field_names() {
            None => {
                let target = head.uri.path_and_query()?.as_str().strip_prefix(ENVOY)?;
                (head.method.clone(), target.to_owned())
            }
            Some([method, target]) => {
                let target = take(&mut head.headers, &target)?;
                let method = take(&mut head.headers, &method)?;
                (Method::from_bytes(method.as_bytes()).ok()?, target)
            }
        };
        set_request(head, method, &target)
    }
}

/// Sets method and target of the request that is asked about. `None`: the target is no path with a query.
///
/// It is also none if it would be read as another one: of `/open#/../admin` the part after `#` would be lost here, and the
/// proxy may forward it.
pub(super) fn set_request(head: &mut Parts, method: Method, target: &str) -> Option<()> {
    let read: PathAndQuery = target.parse().ok()?;
    if !target.starts_with('/') || read.as_str() != target {
        return None;
    }
    head.method = method;
    head.uri = Uri::from(read.clone());
    head.extensions.insert(OriginalTarget(read));
    remove_grpc_type(&mut head.headers);
    // That of the question, which has another method and perhaps the type of gRPC.
    head.extensions.remove::<SecurityContext>();
    Some(())
}

/// Removes the content type of a gRPC call: a refusal would have status 200 and its code in `grpc-status`, and a proxy would
/// take it for an admission. Envoy makes the form of gRPC of another status by itself.
fn remove_grpc_type(headers: &mut HeaderMap) {
    if has_grpc_type(headers) {
        headers.remove(header::CONTENT_TYPE);
    }
}

/// Returns whether the content type is that of a gRPC call.
pub(super) fn has_grpc_type(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let begin = b"application/grpc";
    let is_grpc = |value: &[u8]| {
        value
            .get(..begin.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(begin))
    };
    types.any(|value| is_grpc(value.as_bytes()))
}

/// Removes a field and returns its value, if it was there once.
fn take(headers: &mut HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.to_owned();
    if values.next().is_some() {
        return None;
    }
    headers.remove(name);
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn restored(dialect: Dialect, fields: &[(&'static str, &str)]) -> Option<(String, String)> {
        let mut head = http::Request::new(()).into_parts().0;
        for (name, value) in fields {
            head.headers.append(*name, value.parse().unwrap());
        }
        dialect.restore_request(&mut head)?;
        assert!(head.headers.is_empty());
        Some((head.method.to_string(), head.uri.to_string()))
    }

    #[test]
    fn the_request_is_the_one_that_is_described() {
        let expected = Some(("POST".to_owned(), "/a/b?c=%20".to_owned()));
        let nginx = [
            ("x-original-method", "POST"),
            ("x-original-uri", "/a/b?c=%20"),
        ];
        assert_eq!(restored(Dialect::Nginx, &nginx), expected);
        let forward = [
            ("x-forwarded-method", "POST"),
            ("x-forwarded-uri", "/a/b?c=%20"),
        ];
        assert_eq!(restored(Dialect::Forward, &forward), expected);
        assert_eq!(restored(Dialect::Forward, &nginx), None);
    }

    #[test]
    fn envoy_sends_method_and_path_as_they_are() {
        let restored = |target: &str| {
            let request = http::Request::put(target).body(()).unwrap();
            let mut head = request.into_parts().0;
            Dialect::for_path(head.uri.path())?.restore_request(&mut head)?;
            Some(format!("{} {}", head.method, head.uri))
        };
        for (target, expected) in [
            ("/auth/envoy/a/b?c=%20", Some("PUT /a/b?c=%20")),
            ("/auth/envoy/", Some("PUT /")),
            ("/auth/envoy//a", Some("PUT //a")),
            ("/auth/envoy/../a", Some("PUT /../a")),
            ("/auth/envoy", None),
            ("/auth/envoy?a", None),
            ("/auth/envoyx", None),
            ("/auth/envoyx/a", None),
        ] {
            assert_eq!(restored(target).as_deref(), expected, "{target}");
        }
    }

    #[test]
    fn what_is_missing_doubled_or_no_target_is_not_guessed() {
        let method = ("x-original-method", "GET");
        let target = ("x-original-uri", "/a");
        for fields in [
            vec![method],
            vec![target],
            vec![method, target, target],
            vec![method, method, target],
            vec![method, ("x-original-uri", "https://a/b")],
            vec![method, ("x-original-uri", "*")],
            vec![method, ("x-original-uri", "")],
            vec![method, ("x-original-uri", "/open#/../admin")],
            vec![("x-original-method", "G T"), target],
        ] {
            assert_eq!(restored(Dialect::Nginx, &fields), None, "{fields:?}");
        }
    }
}
