//! Header fields with a digest of a body, which is wrong once the body was changed.

use http::{HeaderMap, HeaderName};

/// RFC 9530, and the fields that it replaces: RFC 1864, RFC 3230.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// Removes digests from the fields of a message, or from its trailers.
pub(crate) fn remove_digests(fields: &mut HeaderMap) {
    for digest in DIGESTS {
        fields.remove(digest);
    }
}
