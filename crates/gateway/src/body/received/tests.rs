//! Bodies that cannot be sent by a real upstream at the right moment.

#![allow(clippy::unwrap_used)]

use std::{collections::VecDeque, sync::Arc};

use http::HeaderMap;
use http_body_util::BodyExt as _;
use palisade::core::Secret;

use super::*;

/// A body whose parts are always ready.
pub(super) struct TestBody(VecDeque<Frame<Bytes>>);

impl Body for TestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

fn body(frames: impl IntoIterator<Item = Frame<Bytes>>, end: Option<Instant>) -> UpstreamBody {
    let content = Content::Test(TestBody(frames.into_iter().collect()));
    let idle = Duration::from_secs(1);
    UpstreamBody::of_content(content, Bounds { idle, end }, Trailers::default())
}

fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

fn trailers(name: &'static str) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert(name, "0".parse().unwrap());
    Frame::trailers(trailers)
}

#[tokio::test]
async fn bytes_that_were_held_back_come_before_the_trailers() {
    for (name, passes) in [("grpc-status", true), ("x-inner", false)] {
        let mask = Mask::new(Arc::new(Secret::new("sk-secret")));
        let frames = [data("a word that ends with s"), trailers(name)];
        let mut body = body(frames, None).with_mask(Some(mask));
        let mut text = Vec::new();
        let mut trailers = None;
        // As a server does, which asks for no part of a body that says that it has ended.
        while !body.is_end_stream() {
            let Some(frame) = body.frame().await else {
                break;
            };
            match frame.unwrap().into_data() {
                Ok(part) => text.extend_from_slice(&part),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        assert_eq!(text, b"a word that ends with s", "{name}");
        let trailers = trailers.unwrap_or_default();
        assert_eq!(trailers.contains_key("grpc-status"), passes, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_always_ready_ends_at_its_total_time() {
    let end = Instant::now() + Duration::from_secs(3);
    let mut body = body((0..10).map(|_| data("part")), Some(end));
    for _ in 0..3 {
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let error = body.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("total_timeout_seconds"), "{error}");
}
