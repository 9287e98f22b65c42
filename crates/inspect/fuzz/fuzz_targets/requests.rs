//! Any request and response run through rules that use each parser, transformation and operator.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use palisade_inspect::{RequestView, ResponseView, RuleSet};

const RULES: &str = r#"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_HEADERS|REQUEST_URI_RAW|REQUEST_BODY|XML:/*|XML://@* "@detectSQLi" \
    "id:1,phase:2,pass,capture,multiMatch,t:utf8toUnicode,t:urlDecodeUni,t:htmlEntityDecode,t:jsDecode,t:cssDecode,t:removeNulls"
SecRule ARGS|FILES|FILES_NAMES|MULTIPART_PART_HEADERS|REQUEST_FILENAME "@detectXSS" \
    "id:2,phase:2,pass,t:base64DecodeExt,t:escapeSeqDecode,t:lowercase,t:compressWhitespace"
SecRule ARGS|REQUEST_FILENAME "@rx (a+)(b*)[^c]" \
    "id:3,phase:2,pass,capture,t:normalizePathWin,t:cmdLine,t:replaceComments,setvar:'tx.x_%{tx.1}=+1',chain"
SecRule TX:/^x_/|MATCHED_VARS "@rx ." "t:sha1,t:hexEncode,t:length"
SecRule ARGS|FILES_TMP_CONTENT "@pm select script" "id:4,phase:2,pass,t:removeComments,t:sqlHexDecode,t:trim"
SecRule REQUEST_BODY|REQUEST_URI_RAW "@validateUrlEncoding" "id:5,phase:2,pass"
SecRule RESPONSE_BODY|RESPONSE_HEADERS "@rx error.{0,20}line" "id:6,phase:4,pass"
"#;

static SET: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::parse(RULES).expect("the rules load"));

fuzz_target!(|input: (Vec<u8>, u8, Vec<u8>, Vec<u8>)| {
    let (target, kind, header, body) = input;
    let content_type: &[u8] = match kind % 5 {
        0 => b"application/x-www-form-urlencoded",
        1 => b"application/json",
        2 => b"multipart/form-data; boundary=b",
        3 => b"text/xml",
        _ => &header,
    };
    let request = RequestView {
        target: &target,
        headers: vec![(b"content-type", content_type), (b"cookie", &header)],
        body: &body,
        ..RequestView::default()
    };
    let response = ResponseView { headers: vec![(b"x", &header)], body: &body, ..ResponseView::default() };
    let _ = SET.inspect(&request, Some(&response));
});
