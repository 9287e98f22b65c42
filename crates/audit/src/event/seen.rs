//! What is kept of a request's head when it arrives.

use std::time::Duration;

use http::{Method, request};
use palisade_core::{Clock, SecurityContext};

use super::path::UnknownPath;
use crate::redact::{Redaction, Shown};

/// Methods of people's own making are as long as they like.
const METHOD: usize = 16;

/// Copies made at admission: later the head is gone, or stripped.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) time: Duration,
    pub(crate) began: Duration,
    pub(crate) method: Method,
    /// Only where no route is known yet, or by a loud option.
    pub(crate) path: Option<Path>,
    pub(crate) shown: Vec<Shown>,
}

/// A path, in the form in which it may be recorded.
#[derive(Clone, Debug)]
pub(crate) enum Path {
    Clear(Box<str>),
    Unknown(UnknownPath),
}

impl Seen {
    pub(crate) fn of(
        cx: &SecurityContext,
        head: &request::Parts,
        redaction: &Redaction,
        clock: &dyn Clock,
    ) -> Self {
        let path = head.uri.path();
        let path = match (redaction.raw_paths, cx.rule()) {
            (true, _) => Some(Path::Clear(path.into())),
            (false, Some(_)) => None,
            (false, None) => Some(Path::Unknown(UnknownPath::of(path))),
        };
        Self {
            time: clock.unix_time(),
            began: clock.monotonic(),
            method: short(&head.method),
            path,
            shown: redaction.look(head),
        }
    }
}

/// Copies a method without an allocation that a client chose the size of.
fn short(method: &Method) -> Method {
    match method.as_str().len() {
        0..=METHOD => method.clone(),
        // Valid, and no method that anybody serves.
        _ => Method::from_bytes(b"OVERLONG").unwrap_or(Method::GET),
    }
}
