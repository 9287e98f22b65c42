//! A response: status, headers and body.

use std::borrow::Cow;

use super::{Values, number};
use crate::engine::view::ResponseView;
use crate::variables::Collection;

impl<'r> Values<'r> {
    /// Reads the head of a response.
    pub(crate) fn read_response_head(&mut self, response: &ResponseView<'r>) {
        use Collection as C;
        self.set(C::ResponseStatus, number(response.status.into()));
        for &(name, value) in &response.headers {
            let pair = (Cow::Borrowed(name), Cow::Borrowed(value));
            self.add_named(
                &[C::ResponseHeaders],
                &[C::ResponseHeadersNames],
                pair,
                false,
            );
            if name.eq_ignore_ascii_case(b"content-type") {
                self.set(C::ResponseContentType, Cow::Borrowed(value));
            }
        }
        self.set(C::ResponseProtocol, Cow::Borrowed(b"HTTP/1.1"));
    }

    /// Reads the body of a response.
    ///
    /// It is not parsed.
    pub(crate) fn read_response_body(&mut self, response: &ResponseView<'r>) {
        self.set(Collection::ResponseBody, Cow::Borrowed(response.body));
        self.set(
            Collection::ResponseContentLength,
            number(response.body.len()),
        );
    }
}
