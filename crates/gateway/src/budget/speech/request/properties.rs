//! No server reads more than what was counted: servers of several kinds, and requests made to mislead them.
#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{json_text::fold_name, pattern::Pattern};

/// Names of fields, as they are written in a query or form.
const NAMES: [&str; 14] = [
    "text",
    "text",
    "TEXT",
    "te%78t",
    "te%C5%BFt",
    "text[]",
    "text[ab]",
    "text.ab",
    "+text",
    "text%00ab",
    "%EF%BB%BFtext",
    "te%FFxt",
    "voice",
    "a;text",
];
/// Values, as they are written there.
const VALUES: [&str; 9] = [
    "",
    "a",
    "hello+you",
    "%E4%BD%A0",
    "%E4%BD",
    "%FF%FF",
    "%u4f60",
    "a;text=bcdef",
    "long,+long,+long",
];
/// Values of JSON members.
const DOCUMENTS: [&str; 10] = [
    r#""hello""#,
    r#""\u4f60""#,
    r#""""#,
    r#"["ab","cd"]"#,
    r#"{"a long name":1}"#,
    r#"[["\u0001"]]"#,
    "1e20",
    "1e308",
    "true",
    "null",
];
const TYPES: [&str; 6] = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=iso-8859-1",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/json",
    "application/json; charset=iso-8859-1",
    "multipart/form-data; boundary=x",
];

/// How one kind of server reads a request.
#[derive(Clone, Copy, Debug)]
struct Server {
    /// The character set of bytes: UTF-8, or one byte a letter.
    is_latin: bool,
    /// What separates pairs.
    separators: &'static [char],
    /// Makes the name of a variable of the name of a field.
    to_variable: fn(&str) -> String,
    /// Makes one text of several.
    join: fn(Vec<String>) -> String,
}

const SERVERS: [Server; 6] = [
    // Python: the exact name, the first value.
    Server {
        is_latin: false,
        separators: &['&'],
        to_variable: str::to_owned,
        join: |texts| texts.into_iter().next().unwrap_or_default(),
    },
    // Older parsers: `;` separates too, the last value counts.
    Server {
        is_latin: false,
        separators: &['&', ';'],
        to_variable: str::to_owned,
        join: |texts| texts.into_iter().next_back().unwrap_or_default(),
    },
    // Names without case, values joined.
    Server {
        is_latin: false,
        separators: &['&'],
        to_variable: fold_name,
        join: |texts| texts.join(", "),
    },
    // Lists and objects of names.
    Server {
        is_latin: false,
        separators: &['&'],
        to_variable: |name| name.split(['[', '.']).next().unwrap_or_default().to_owned(),
        join: |texts| texts.join(","),
    },
    // Trims names, ends them at a zero byte, drops a byte order mark and what is not UTF-8.
    Server {
        is_latin: false,
        separators: &['&'],
        to_variable: |name| {
            let name = name.split('\0').next().unwrap_or_default();
            name.replace(['\u{FEFF}', '\u{FFFD}'], "").trim().to_owned()
        },
        join: |texts| texts.join(","),
    },
    // Believes the character set that the request names.
    Server {
        is_latin: true,
        separators: &['&'],
        to_variable: str::to_owned,
        join: |texts| texts.join(","),
    },
];

impl Server {
    /// Returns what it speaks.
    fn spoken(self, query: &str, media_type: &str, body: &[u8]) -> String {
        let mut texts = self.texts_in_pairs(query, false);
        let believes = self.is_latin && media_type.contains("iso-8859-1");
        let body = match believes {
            true => body.iter().map(|byte| char::from(*byte)).collect(),
            false => String::from_utf8_lossy(body).into_owned(),
        };
        if media_type.starts_with("application/x-www") {
            texts.extend(self.texts_in_pairs(&body, believes));
        } else if let Ok(Value::Object(document)) = serde_json::from_str(&body) {
            let is_text = |(name, _): &(String, Value)| (self.to_variable)(name) == "text";
            let members = document.into_iter().filter(is_text);
            texts.extend(members.map(|(_, value)| written_out(&value)));
        }
        (self.join)(texts)
    }

    fn texts_in_pairs(self, pairs: &str, is_latin: bool) -> Vec<String> {
        let decode = |text: &str| {
            let bytes = percent::decode_form(text);
            match is_latin {
                true => bytes.iter().map(|byte| char::from(*byte)).collect(),
                false => String::from_utf8_lossy(&bytes).into_owned(),
            }
        };
        let pairs = pairs.split(self.separators).map(percent::split_pair);
        let texts = pairs.filter(|(name, _)| (self.to_variable)(&decode(name)) == "text");
        texts.map(|(_, value)| decode(value)).collect()
    }
}

/// Writes a value as a dynamic language does: with quotes, names and spaces.
fn written_out(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => format!("{:.0}", number.as_f64().unwrap()),
        Value::Null => "undefined".to_owned(),
        other => other.to_string().replace(':', ": ").replace(',', ", "),
    }
}

fn pairs() -> impl Strategy<Value = String> {
    let pair = (select(&NAMES[..]), select(&VALUES[..]));
    let pair = pair.prop_map(|(name, value)| format!("{name}={value}"));
    vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

fn document() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("text"),
        Just("Text"),
        Just("text[]"),
        Just(r"\uFEFFtext"),
        Just(r"text\u0000"),
        Just("voice")
    ];
    let member = (name, select(&DOCUMENTS[..]));
    let member = member.prop_map(|(name, value)| format!("\"{name}\":{value}"));
    vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #[test]
    fn no_server_reads_more_than_is_counted(
        query in pairs(),
        media_type in select(&TYPES[..]),
        body in prop_oneof![pairs(), document()],
    ) {
        let rule = SpeechRule {
            path: Pattern::new("/tts"),
            text: "text".to_owned(),
            millis_each: 1,
            price: None,
        };
        let mut head = http::Request::post(format!("/tts?{query}"))
            .header(header::CONTENT_TYPE, media_type)
            .body(())
            .unwrap()
            .into_parts()
            .0;
        if let Ok(read) = SpeechRequest::read(&rule, &mut head, body.into()) {
            let sent_type = head.headers[header::CONTENT_TYPE].to_str().unwrap();
            for server in SERVERS {
                let spoken = server.spoken(&query, sent_type, &read.body);
                prop_assert!(
                    spoken.chars().count() as u64 <= read.characters,
                    "{:?} speaks {spoken:?}, of {} counted", server, read.characters
                );
            }
        }
    }
}
