//! Parts of a finished file: `Range` and `If-Range` (RFC 9110, 14).

use std::ops::Range;

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE},
};
use palisade::core::Rejection;

use super::AUDIO_SECONDS;
use crate::sound_cache::FinishedSound;

/// What a request wants of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Wanted {
    All,
    Part(Range<usize>),
    /// A part that begins behind the end.
    Nothing,
}

/// Responds with a finished file, or with the part of it that the request names. `body` sends its bytes.
///
/// # Errors
///
/// 416 where the part begins behind the end of the file.
pub(super) fn respond(
    sound: &FinishedSound,
    headers: &HeaderMap,
    body: impl FnOnce(Bytes) -> Body,
) -> Result<Response, Rejection> {
    let length = sound.file.len();
    let mut response = match wanted(headers, &sound.etag, length) {
        Wanted::All => Response::new(body(sound.file.clone())),
        Wanted::Part(part) => {
            let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            let mut response = Response::new(body(sound.file.slice(part)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert(&mut response, CONTENT_RANGE, &place);
            response
        }
        Wanted::Nothing => return Err(refusal(length)),
    };
    insert(&mut response, CONTENT_TYPE, &sound.content_type);
    insert(&mut response, ETAG, &sound.etag);
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(AUDIO_SECONDS, sound.seconds.clone());
    Ok(response)
}

fn insert(response: &mut Response, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn refusal(length: usize) -> Rejection {
    let words = "The part begins behind the end of the sound.";
    let refusal = Rejection::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range_not_satisfiable",
        words,
    );
    let refusal = refusal.with_member("limit", length);
    match HeaderValue::try_from(format!("bytes */{length}")) {
        Ok(place) => refusal.with_header(CONTENT_RANGE, place),
        Err(_) => refusal,
    }
}

/// Reads both fields. What is malformed, of another unit or several parts is ignored, as the standard allows: the response is then
/// the whole file. So it is where `If-Range` names another file, or a date, which these files do not have.
fn wanted(headers: &HeaderMap, etag: &str, length: usize) -> Wanted {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Wanted::All;
    };
    let is_same = |known: &HeaderValue| known.as_bytes() == etag.as_bytes();
    if !headers.get_all(IF_RANGE).iter().all(is_same) {
        return Wanted::All;
    }
    let part = range.to_str().ok().and_then(|range| part(range, length));
    part.unwrap_or(Wanted::All)
}

/// Reads `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-COUNT`; nothing for what is none of these.
fn part(range: &str, length: usize) -> Option<Wanted> {
    let (unit, range) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    let part = match (first, last) {
        ("", count) => length.saturating_sub(number(count)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(match part.start < part.end {
        true => Wanted::Part(part),
        false => Wanted::Nothing,
    })
}

/// Reads a number of digits alone. One that is too large for any file is the largest there is.
fn number(digits: &str) -> Option<usize> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(range: &str, expected: &Wanted) {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
        assert_eq!(&wanted(&headers, "\"a\"", 10), expected, "{range}");
    }

    #[test]
    fn a_part_is_read_as_the_standard_says() {
        check("bytes=0-0", &Wanted::Part(0..1));
        check("bytes=2-5", &Wanted::Part(2..6));
        check("BYTES=2-", &Wanted::Part(2..10));
        check("bytes=-3", &Wanted::Part(7..10));
        check("bytes=-99", &Wanted::Part(0..10));
        check("bytes=9-99999999999999999999999", &Wanted::Part(9..10));
        check("bytes=10-", &Wanted::Nothing);
        check("bytes=99999999999999999999999-", &Wanted::Nothing);
        check("bytes=-0", &Wanted::Nothing);
    }

    #[test]
    fn what_is_no_single_part_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "bytes=+1-2",
            "bytes=1 - 2",
            "bytes=a-b",
            "bytes=0x1-2",
            "lines=0-1",
            "bytes=--1",
        ] {
            check(range, &Wanted::All);
        }
        let mut twice = HeaderMap::new();
        twice.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        twice.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(wanted(&twice, "\"a\"", 10), Wanted::All);
    }

    #[test]
    fn a_part_of_another_file_is_not_sent() {
        for (known, expected) in [
            ("\"a\"", Wanted::Part(1..10)),
            ("\"b\"", Wanted::All),
            ("W/\"a\"", Wanted::All),
            ("Mon, 30 Nov 2026 20:00:00 GMT", Wanted::All),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=1-"));
            headers.insert(IF_RANGE, HeaderValue::from_str(known).unwrap());
            assert_eq!(wanted(&headers, "\"a\"", 10), expected, "{known}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_inside_the_file(range in "(bytes=)?[0-9]{0,21}-?[0-9]{0,21}[, =a-]{0,2}", length in 0_usize..1_000) {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_str(&range).unwrap());
            if let Wanted::Part(part) = wanted(&headers, "\"a\"", length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
