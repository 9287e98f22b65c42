//! What the connection requires of a refusal, read from the request head before the handler
//! consumes it.

use http::{HeaderValue, Version, header, request};

/// An unread body up to this many bytes is left to the server; a longer one closes an HTTP/1
/// connection.
const SMALL_BODY: u64 = 8 * 1024;

/// Tells whether a refusal would leave a body on an HTTP/1 connection that is not worth reading.
pub(super) fn leaves_much_unread(head: &request::Parts) -> bool {
    if head.version >= Version::HTTP_2 {
        return false;
    }
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        return true;
    }
    let Some(length) = head.headers.get(header::CONTENT_LENGTH) else {
        return false;
    };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    length.is_none_or(|length: u64| length > SMALL_BODY)
}

/// Returns the content type of a gRPC request, which its refusal must have too.
pub(super) fn grpc_content_type(head: &request::Parts) -> Option<HeaderValue> {
    let value = head.headers.get(header::CONTENT_TYPE)?;
    let rest = value.as_bytes().strip_prefix(b"application/grpc")?;
    let whole = matches!(rest.first(), None | Some(b'+' | b';' | b'-'));
    whole.then(|| value.clone())
}
