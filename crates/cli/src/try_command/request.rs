//! `palisade try request`: what a rule set would find in requests.
//!
//! Made for test suites of rule sets: requests in a file, one object a line, compared with the
//! results that the rules promise. Empty lines are skipped. A wrong line ends the command with its
//! number.
//!
//! `data_base64` carries bodies that are not UTF-8. `client` is unknown to the rules here.
//!
//! Directives of the folder that do not load are named on standard error first; the others run.

use std::io::{self, BufRead};
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use palisade_inspect::{RequestView, ResponseView, RuleSet};
use serde_json::Value;

use crate::{failure::Failure, output};

/// What a rule set finds in requests, one JSON object a line
///
/// Input: {"method":"POST","uri":"/search","version":"HTTP/1.1","headers":[["Host","a.example"]],
/// "data":"q=1","response":{"status":200,"headers":[],"data":"…"}}. `data_base64` may stand in place
/// of `data`. `version` and `response` may be absent. Nothing is decoded or normalised before the
/// rules see it.
///
/// Output: {"rules":[942100],"score":5,"refused":true}. All rules run, also after one that refuses.
#[derive(Args)]
pub(crate) struct TryRequest {
    /// A folder with crs-setup.conf and rules/
    #[arg(long, value_name = "FOLDER")]
    rules: PathBuf,
    /// The paranoia level, 1 to 4. Default: that of the setup
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=4))]
    paranoia: Option<u8>,
}

impl TryRequest {
    /// Inspects each line of standard input and prints a result for each.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be loaded, or at the first line that is no request.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut builder = RuleSet::builder(&self.rules);
        if let Some(level) = self.paranoia {
            builder = builder.paranoia(level);
        }
        let rules = builder.load()?;
        for directive in &rules.report().not_loaded {
            output::print_note(format_args!("not loaded: {directive}"));
        }
        let mut lines = output::Lines::new();
        for (index, line) in io::stdin().lock().split(b'\n').enumerate() {
            let line = line?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let found = inspect_line(&rules, &line)
                .map_err(|problem| Failure::new(format_args!("line {}: {problem}", index + 1)))?;
            if !lines.print_line(&found)? {
                break;
            }
        }
        lines.finish()?;
        Ok(())
    }
}

/// Inspects the request of one line.
///
/// # Errors
///
/// Says which member is missing or has another type.
fn inspect_line(rules: &RuleSet, line: &[u8]) -> Result<String, String> {
    let object: Value =
        serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?;
    let headers = headers_member(&object)?;
    let body = body_member(&object)?;
    let version = object
        .get("version")
        .and_then(Value::as_str)
        .unwrap_or("HTTP/1.1");
    let request = RequestView {
        method: text_member(&object, "method")?.as_bytes(),
        target: text_member(&object, "uri")?.as_bytes(),
        version,
        body: if is_framed(version, &headers) {
            &body
        } else {
            b""
        },
        headers,
        client: None,
    };
    let response = object
        .get("response")
        .filter(|response| !response.is_null());
    let response_body = response
        .map(self::body_member)
        .transpose()?
        .unwrap_or_default();
    let response = response
        .map(|object| read_response(object, &response_body))
        .transpose()?;
    let verdict = rules.inspect(&request, response.as_ref());
    let ids: Vec<String> = verdict.ids().map(|id| id.to_string()).collect();
    let (ids, score, refused) = (ids.join(","), verdict.score, verdict.is_refused());
    Ok(format!(
        r#"{{"rules":[{ids}],"score":{score},"refused":{refused}}}"#
    ))
}

/// Reads the object `response`.
///
/// The status is 200 if it is absent.
///
/// # Errors
///
/// Says which member has another type.
fn read_response<'r>(object: &'r Value, body: &'r [u8]) -> Result<ResponseView<'r>, String> {
    let status = object.get("status").map_or(Some(200), Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    Ok(ResponseView {
        status: status.ok_or("response.status is no status")?,
        headers: headers_member(object)?,
        body,
    })
}

/// Whether the bytes after the head are a body: HTTP/1 has none without a header that announces it
/// (RFC 9112, section 6.3).
///
/// `Content-Type` counts as well: test suites often leave `Content-Length` out.
fn is_framed(version: &str, headers: &[(&[u8], &[u8])]) -> bool {
    const ANNOUNCE: [&[u8]; 3] = [b"content-length", b"content-type", b"transfer-encoding"];
    let announces = |name: &[u8]| {
        ANNOUNCE
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    !version.starts_with("HTTP/1") || headers.iter().any(|(name, _)| announces(name))
}

/// The text of a member that must be there.
///
/// # Errors
///
/// The member is missing, or is no text.
fn text_member<'v>(object: &'v Value, name: &str) -> Result<&'v str, String> {
    object
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("`{name}` is missing or no text"))
}

/// The member `headers`: pairs of name and value.
///
/// An absent or null member is an empty list. Names and values are used as bytes of UTF-8.
///
/// # Errors
///
/// The member has another form.
fn headers_member(object: &Value) -> Result<Vec<(&[u8], &[u8])>, String> {
    let Some(list) = object.get("headers").filter(|list| !list.is_null()) else {
        return Ok(Vec::new());
    };
    let wrong = || "`headers` is no list of pairs of texts".to_owned();
    let list = list.as_array().ok_or_else(wrong)?;
    let mut pairs = Vec::with_capacity(list.len());
    for item in list {
        let [name, value] = item.as_array().ok_or_else(wrong)?.as_slice() else {
            return Err(wrong());
        };
        let name = name.as_str().ok_or_else(wrong)?;
        let value = value.as_str().ok_or_else(wrong)?;
        pairs.push((name.as_bytes(), value.as_bytes()));
    }
    Ok(pairs)
}

/// The member `data` or `data_base64`.
///
/// `data_base64` is looked at first (RFC 4648, section 4, with padding). Without both the body is
/// empty.
///
/// # Errors
///
/// `data` is no text, or `data_base64` is not Base64.
fn body_member(object: &Value) -> Result<Vec<u8>, String> {
    let member = |name: &str| object.get(name).filter(|value| !value.is_null());
    if let Some(encoded) = member("data_base64") {
        let encoded = encoded.as_str().ok_or("`data_base64` is no text")?;
        return BASE64_STANDARD
            .decode(encoded)
            .map_err(|error| format!("`data_base64`: {error}"));
    }
    match member("data") {
        Some(data) => Ok(data
            .as_str()
            .ok_or("`data` is no text")?
            .as_bytes()
            .to_vec()),
        None => Ok(Vec::new()),
    }
}
