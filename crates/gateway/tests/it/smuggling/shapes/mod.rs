//! Requests that two servers may read differently, each with a second request inside.
//!
//! The families are those of public test suites for request smuggling; the bytes were written for these tests.

mod bodies;
mod heads;
mod lengths;

/// A second request that must never be one. It begins where another reading of the first one ends.
pub(super) const SECOND: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// What may become of a shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// The gateway responds with this status, and the upstream sees nothing.
    Refused(u16),
    /// The upstream sees one request with a body of this length.
    One(usize),
}

/// A request as bytes. `CASE` stands for its path, `HOST` for the line with the host and
/// `Connection: close`.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) bytes: String,
    pub(super) outcome: Outcome,
}

fn shape(name: impl Into<String>, bytes: impl Into<String>, outcome: Outcome) -> Shape {
    let (name, bytes) = (name.into(), bytes.into());
    Shape {
        name,
        bytes,
        outcome,
    }
}

/// A `POST` with these lines beside the host, and this after the head.
fn post(lines: &str, rest: &str) -> String {
    format!("POST CASE HTTP/1.1\r\nHOST{lines}\r\n\r\n{rest}")
}

/// All shapes.
pub(super) fn all() -> Vec<Shape> {
    let families = [
        lengths::two_lengths(),
        lengths::codings(),
        lengths::names_of_the_coding(),
        lengths::lengths(),
        bodies::chunks(),
        bodies::trailers(),
        heads::lines(),
        heads::switches(),
        bodies::bodies_of_other_methods(),
    ];
    families.into_iter().flatten().collect()
}
