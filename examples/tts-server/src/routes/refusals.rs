//! How refusals look: in the form of OpenAI's clients below `/v1/`, as a page for a browser that opens an address,
//! and as a problem document everywhere else.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, VARY},
    request,
};
use palisade::core::{Guard, Rejection, RenderLayer, Renderer, SecurityContext, Verdict};

use super::{page::digest_source, speech::OpenAiErrors};

const OPENAI: &str = "/v1/";
const STYLE: &str = ":root{color-scheme:light dark;font:16px/1.55 system-ui,sans-serif}\
    body{margin:0;min-height:90vh;display:grid;place-items:center;background:light-dark(#f3f6f4,#0d1211);color:light-dark(#14201c,#e6eeea)}\
    main{max-width:26rem;padding:2rem}h1{font-size:1.5rem;line-height:1.25}\
    a{color:light-dark(#0b6e5f,#62ccb6)}.code{color:light-dark(#56645f,#9baaa4);font-size:.875rem}";

/// Stands outermost and chooses the form of refusals.
#[derive(Clone)]
pub(crate) struct RefusalForms {
    openai: RenderLayer,
    page: RenderLayer,
}

impl RefusalForms {
    pub(crate) fn new() -> Self {
        Self {
            openai: RenderLayer::new(OpenAiErrors),
            page: RenderLayer::new(RefusalPage::new()),
        }
    }
}

impl Guard for RefusalForms {
    type Pass = ();

    fn name(&self) -> &'static str {
        "refusal-forms"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        if head.uri.path().starts_with(OPENAI) {
            self.openai.admit(cx, head)
        } else if is_navigation(head) {
            self.page.admit(cx, head)
        } else {
            Verdict::Admit(())
        }
    }
}

impl fmt::Debug for RefusalForms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusalForms")
    }
}

/// Tells whether a person opens the address in a browser. Browsers say so; where they do not, HTML is what they
/// prefer.
fn is_navigation(head: &request::Parts) -> bool {
    if ![Method::GET, Method::HEAD].contains(&head.method) {
        return false;
    }
    match text(&head.headers, "sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => text(&head.headers, ACCEPT.as_str())
            .and_then(|accepted| accepted.split([',', ';']).next())
            .is_some_and(|first| first.trim().eq_ignore_ascii_case("text/html")),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Writes a refusal as a page without scripts.
#[derive(Debug)]
struct RefusalPage(HeaderValue);

impl RefusalPage {
    fn new() -> Self {
        let policy = format!(
            "default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            digest_source(STYLE)
        );
        let nothing = HeaderValue::from_static("default-src 'none'");
        Self(HeaderValue::try_from(policy).unwrap_or(nothing))
    }
}

impl Renderer for RefusalPage {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let body = markup(&rejection);
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = rejection.status();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        headers.append(CONTENT_TYPE, kind);
        headers.append(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let varies = HeaderValue::from_static("accept, sec-fetch-mode");
        headers.append(VARY, varies);
        headers.append(CONTENT_SECURITY_POLICY, self.0.clone());
        for (name, value) in rejection.into_headers() {
            headers.append(name, value);
        }
        response
    }
}

fn markup(rejection: &Rejection) -> String {
    let status = rejection.status();
    let title = status.canonical_reason().unwrap_or("Refused");
    let mut wait = rejection
        .headers()
        .filter(|(name, _)| *name == RETRY_AFTER)
        .filter_map(|(_, value)| value.to_str().ok()?.parse::<u64>().ok());
    let wait = wait.next().map_or_else(String::new, |seconds| {
        format!(
            "<p>Try again in {seconds} s. <span lang=\"zh-CN\">请在 {seconds} 秒后重试。</span></p>"
        )
    });
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
        <title>{title}</title><style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\
        <p>{}</p>{wait}<p><a href=\"/\">Back to the page <span lang=\"zh-CN\">返回首页</span></a></p>\
        <p class=\"code\">{} · {}</p></main></body></html>\n",
        escape(rejection.detail()),
        status.as_u16(),
        escape(rejection.code()),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::{Request, StatusCode};

    use super::*;

    #[track_caller]
    fn check(method: Method, headers: &[(&str, &str)], expected: bool) {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(is_navigation(&head), expected, "{headers:?}");
    }

    #[test]
    fn only_a_browser_that_opens_an_address_gets_a_page() {
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        check(Method::GET, &[html], true);
        check(Method::GET, &[html, ("sec-fetch-mode", "navigate")], true);
        check(
            Method::GET,
            &[("accept", "*/*"), ("sec-fetch-mode", "navigate")],
            true,
        );
        check(Method::GET, &[html, ("sec-fetch-mode", "cors")], false);
        check(Method::POST, &[html], false);
        check(Method::GET, &[("accept", "*/*")], false);
        check(
            Method::GET,
            &[("accept", "application/json, text/html")],
            false,
        );
        check(Method::GET, &[], false);
    }

    #[test]
    fn a_page_says_what_is_wrong_and_when_to_come_back_and_holds_no_markup_of_others() {
        let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", "x")
            .with_detail("Wait <b>\"&\"</b>.")
            .with_header(RETRY_AFTER, HeaderValue::from(7_u64));
        let response = RefusalPage::new().render(rejection);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
        let page = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(
            page.contains("Wait &lt;b&gt;&quot;&amp;&quot;&lt;/b&gt;."),
            "{page}"
        );
        assert!(page.contains("Try again in 7 s.") && page.contains("429 · quota_exceeded"));
        assert!(!page.contains("<script"));
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains(&digest_source(STYLE)) && !policy.contains("unsafe"));
    }
}
