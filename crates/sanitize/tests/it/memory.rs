//! The memory that large and hostile bodies take, counted: within the limits, and below a multiple of what is
//! accepted.
//!
//! | body | accepted | peak at most |
//! |---|---|---|
//! | 10 MiB in one piece, nothing to clean | yes | 1 MiB beside it |
//! | the same, one text changed | yes | one copy, and 1 MiB |
//! | 10 MiB in pieces of 16 KiB | yes | two copies while the buffer grows, and 1 MiB |
//! | 100,000 levels | 400 | 256 KiB |
//! | a million names, limit of 1,000 | 400 | 256 KiB |
//! | a million names, limit raised | yes | 100 MiB |
//! | a client that stops after 100 KiB | waits | 512 KiB |

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use palisade_core::RequestBody;
use palisade_sanitize::{Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};
use tower::{ServiceBuilder, ServiceExt};

const KIB: usize = 1024;
const MIB: usize = KIB * KIB;

fn layer() -> SanitizeLayerBuilder {
    let field = Field::required("/text", Sanitizer::prompt());
    SanitizeLayer::builder().field(field).max_body(16 * MIB)
}

/// The most bytes that were in use beside the request, and the status. `None`: it still waits.
fn peak<B>(layer: SanitizeLayerBuilder, body: B) -> (usize, Option<u16>)
where
    B: http_body::Body<Data = Bytes, Error = Infallible>,
{
    let layer = layer.build().unwrap();
    let handler = async |request: Request<RequestBody<B>>| {
        let mut body = std::pin::pin!(request.into_body());
        while let Some(frame) = body.frame().await {
            assert!(frame.is_ok());
        }
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    };
    let service = ServiceBuilder::new().layer(layer).service_fn(handler);
    let request = Request::post("/").header("content-type", "application/json");
    let request = request.body(body).unwrap();
    let mut status = None;
    let counted = allocation_counter::measure(|| {
        let response = service.oneshot(request).now_or_never();
        status = response.map(|response| response.unwrap().status().as_u16());
    });
    (usize::try_from(counted.bytes_max).unwrap(), status)
}

#[track_caller]
fn check(peak: (usize, Option<u16>), status: Option<u16>, most: usize) {
    assert_eq!(peak.1, status);
    assert!(peak.0 <= most, "{} bytes, at most {most}", peak.0);
}

/// A document of about 10 MiB with this text.
fn large(text: &str) -> Bytes {
    format!(r#"{{"image":"{}","text":"{text}"}}"#, "A".repeat(10 * MIB)).into()
}

/// A body in pieces.
fn in_pieces(
    bytes: &Bytes,
    size: usize,
) -> impl Iterator<Item = Result<Frame<Bytes>, Infallible>> + use<> {
    let pieces: Vec<Bytes> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    pieces.into_iter().map(|piece| Ok(Frame::data(piece)))
}

#[test]
fn a_body_of_ten_mebibytes_takes_one_copy_at_most_where_it_is_changed() {
    let whole = |text| Full::new(large(text));
    check(peak(layer(), whole("clean")), Some(200), MIB);
    let changed = peak(layer(), whole("a\u{202e}b"));
    check(changed, Some(200), 11 * MIB + MIB);
    let pieces = StreamBody::new(stream::iter(in_pieces(&large("clean"), 16 * KIB)));
    check(peak(layer(), pieces), Some(200), 3 * 10 * MIB + MIB);
}

#[test]
fn depth_and_names_beyond_the_limits_take_no_memory() {
    let deep = format!(r#"{{"text":"a","n":{}"#, "[".repeat(100_000));
    check(peak(layer(), Full::new(deep.into())), Some(400), 256 * KIB);
    let names: String = (0..1_000_000)
        .map(|number| format!(r#""k{number}":0,"#))
        .collect();
    let many = Bytes::from(format!(r#"{{{names}"text":"a"}}"#));
    let refused = peak(layer(), Full::new(many.clone()));
    check(refused, Some(400), 256 * KIB);
    let accepted = peak(layer().max_keys(2_000_000), Full::new(many));
    check(accepted, Some(200), 100 * MIB);
}

#[test]
fn a_client_that_stops_holds_what_it_sent_and_no_more() {
    let begun = Bytes::from(format!(r#"{{"text":"{}"#, "a".repeat(100 * KIB)));
    let pieces = stream::iter(in_pieces(&begun, KIB)).chain(stream::pending());
    check(peak(layer(), StreamBody::new(pieces)), None, 512 * KIB);
}
