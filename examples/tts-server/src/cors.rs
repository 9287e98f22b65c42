//! Scripts of other origins (CORS, in the Fetch standard): preflights are answered, and refusals can be read too.

use http::{
    HeaderValue, Method,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN, VARY},
    request, response,
};
use palisade::core::{Guard, SecurityContext, Verdict};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::settings::Cors;

/// How long a browser may remember the answer to a preflight: as long as most browsers do at most.
const MAX_AGE: std::time::Duration = std::time::Duration::from_secs(7_200);
/// What scripts may read of an answer besides its body.
const EXPOSED: &str =
    "ratelimit, ratelimit-policy, retry-after, x-audio-seconds, x-ignored-members, x-request-id";

/// Answers preflights. Stands inside the shield, around the routes.
pub(crate) fn layer(cors: &Cors) -> CorsLayer {
    let origin = cors.clone();
    let origin = AllowOrigin::predicate(move |asked, _| origin.allows(asked));
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(MAX_AGE)
}

/// Lets scripts of allowed origins read every answer, also the refusals of other layers. Stands outermost.
#[derive(Clone, Debug)]
pub(crate) struct CorsHeaders(pub(crate) Cors);

impl Guard for CorsHeaders {
    type Pass = Option<HeaderValue>;

    fn name(&self) -> &'static str {
        "cors"
    }

    fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<Self::Pass> {
        let origin = head.headers.get(ORIGIN);
        Verdict::Admit(origin.filter(|origin| self.0.allows(origin)).cloned())
    }

    fn finish(
        &self,
        _: &SecurityContext,
        origin: &mut Self::Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        head.headers
            .append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin.take() {
            let exposed = HeaderValue::from_static(EXPOSED);
            head.headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            head.headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        Verdict::Admit(())
    }
}
