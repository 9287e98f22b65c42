//! The query of a `GET`.

use std::borrow::Cow;

use palisade_internal::percent::{InvalidForm, decode_form_strictly, split_pair};

use super::{SpeechRequest, delivery, words};
use crate::routes::request_error::RequestError;

/// Reads a query: each parameter once, and none that means nothing here.
pub(crate) fn from_query(query: &str) -> Result<SpeechRequest, RequestError> {
    let mut found = QueryFields::default();
    for (name, value) in pairs(query)? {
        let place = found.place(&name);
        let place = place.ok_or(RequestError::Query("has a parameter that is unknown here"))?;
        if place.replace(value).is_some() {
            return Err(RequestError::Query("has a parameter twice"));
        }
    }
    let speed = found.speed;
    let speed = speed.map(|speed| speed.parse().map_err(|_| RequestError::SpeedNoNumber));
    Ok(SpeechRequest {
        words: words(found.text, found.ssml)?,
        voice: found.voice,
        emotion: found.emotion,
        speed: speed.transpose()?,
        format: found.format,
        unspeakable: found.unspeakable,
        pcm_rate: None,
        delivery: delivery(flag(found.stream.as_deref())?),
        timing: found.timing,
    })
}

#[derive(Default)]
struct QueryFields {
    text: Option<String>,
    ssml: Option<String>,
    voice: Option<String>,
    emotion: Option<String>,
    speed: Option<String>,
    format: Option<String>,
    unspeakable: Option<String>,
    stream: Option<String>,
    timing: Option<String>,
}

impl QueryFields {
    fn place(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "text" => &mut self.text,
            "ssml" => &mut self.ssml,
            "voice" => &mut self.voice,
            "emotion" => &mut self.emotion,
            "speed" => &mut self.speed,
            "format" => &mut self.format,
            "unspeakable" => &mut self.unspeakable,
            "stream" => &mut self.stream,
            "timing" => &mut self.timing,
            _ => return None,
        })
    }
}

fn flag(written: Option<&str>) -> Result<bool, RequestError> {
    match written {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(RequestError::Stream),
    }
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, RequestError> {
    let malformed = RequestError::Query("is not valid percent-encoded UTF-8");
    let parts = query.split('&').filter(|part| !part.is_empty());
    let decoded = parts.map(|part| {
        let (name, value) = split_pair(part);
        let decode = |part| decode_form_strictly(part).map(Cow::into_owned);
        Ok((decode(name)?, decode(value)?))
    });
    let decoded: Result<_, InvalidForm> = decoded.collect();
    decoded.map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(query: &str, why: &'static str) {
        assert_eq!(
            from_query(query).unwrap_err(),
            RequestError::Query(why),
            "{query}"
        );
    }

    #[test]
    fn a_query_is_read_strictly() {
        check("text=a&text=b", "has a parameter twice");
        check("text=a&api_key=b", "has a parameter that is unknown here");
        for broken in [
            "text=%",
            "text=%4",
            "text=%zz",
            "text=%ff",
            "text=%E4%BD",
            "text=%+1",
        ] {
            check(broken, "is not valid percent-encoded UTF-8");
        }
    }

    #[test]
    fn a_flag_is_one_of_two_words() {
        for written in ["", "1", "yes", "TRUE"] {
            let refused = from_query(&format!("text=a&stream={written}")).unwrap_err();
            assert_eq!(refused, RequestError::Stream, "{written}");
        }
    }
}
