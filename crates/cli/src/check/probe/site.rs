//! What the first requests saw. Most probes compare with it.
//!
//! Three requests without a key: the address of the user, `/`, and a path that does not exist. The
//! last one shows the error page, whose headers and escaping are often worse than those of the
//! others.
//!
//! A request that failed is kept as its problem. Each probe decides what that means for its rules.

use http::{HeaderName, HeaderValue, Method};
use tokio::sync::OnceCell;

use crate::check::{
    client::{Client, ProbeRequest, ProbeResponse, Problem},
    target::Target,
};

/// Names of parameters that hold text, in the order in which they are preferred.
const TEXT_PARAMETERS: &[&str] = &[
    "text", "input", "prompt", "q", "query", "message", "content", "s",
];

/// The path that exists nowhere. It has markup, which must not come back as such.
const MISSING: &str = "/palisade-check-%3Cplsd%3E";

/// The service as a stranger meets it.
pub(crate) struct Site<'a> {
    /// Sends requests.
    pub(crate) client: &'a Client,
    /// The address that was given.
    pub(crate) target: &'a Target,
    /// The response to the address, without a credential.
    pub(crate) base: Result<ProbeResponse, Problem>,
    /// The response to `/`. The same as [`base`](Self::base) if that is the path.
    pub(crate) root: Result<ProbeResponse, Problem>,
    /// The response to a path that does not exist.
    pub(crate) missing: Result<ProbeResponse, Problem>,
    /// The response with a credential, if one was given and may be sent.
    pub(crate) with_key: Option<ProbeResponse>,
    /// The header with the key, once `credentials` found that it works.
    key: Option<(HeaderName, HeaderValue)>,
    /// The inner `None` means that it was asked for and does not exist.
    robots: OnceCell<Option<ProbeResponse>>,
    /// Sentences that the report shows under the grade.
    notes: Vec<String>,
}

impl<'a> Site<'a> {
    /// Sends the first requests.
    ///
    /// Never fails: problems are kept in the fields.
    pub(crate) async fn send_first_requests(client: &'a Client, target: &'a Target) -> Site<'a> {
        let base = client
            .send(target, ProbeRequest::get(target.path_and_query()))
            .await;
        let root = match target.path_and_query() == "/" {
            true => base.clone(),
            false => client.send(target, ProbeRequest::get("/")).await,
        };
        let missing = client.send(target, ProbeRequest::get(MISSING)).await;
        let mut site = Self {
            client,
            target,
            base,
            root,
            missing,
            with_key: None,
            key: None,
            robots: OnceCell::new(),
            notes: Vec::new(),
        };
        site.tell_redirect();
        site
    }

    /// Sends a request to the service, without a credential.
    ///
    /// # Errors
    ///
    /// Why there is no response.
    pub(crate) async fn send_request(&self, ask: ProbeRequest) -> Result<ProbeResponse, Problem> {
        self.client.send(self.target, ask).await
    }

    /// Sends a request as a client of the service: with the credential, if there is one that works.
    ///
    /// # Errors
    ///
    /// Why there is no response.
    pub(crate) async fn call(&self, ask: ProbeRequest) -> Result<ProbeResponse, Problem> {
        let ask = match self.key.clone() {
            Some((name, value)) => ask.with_header(name, value),
            None => ask,
        };
        self.client.send(self.target, ask).await
    }

    /// Keeps a credential that works, for [`call`](Self::call).
    pub(crate) fn use_key(
        &mut self,
        name: HeaderName,
        value: HeaderValue,
        response: ProbeResponse,
    ) {
        self.key = Some((name, value));
        self.with_key = Some(response);
    }

    /// A GET of the address with the text parameter replaced. `None` if the address has no parameter.
    ///
    /// `value` is percent-encoded already.
    ///
    /// The parameter is the first name of the list of usual text names, or else the first parameter
    /// of the address. All other parameters stay as they are. If the name occurs several times,
    /// each one is replaced.
    pub(crate) fn with_text(&self, value: &str) -> Option<ProbeRequest> {
        let names = self.target.query_names();
        let preferred = TEXT_PARAMETERS.iter().find(|name| names.contains(name));
        let text = preferred.or(names.first())?;
        let pairs = self.target.query.split('&').map(|pair| {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            match name == *text {
                true => format!("{name}={value}"),
                false => pair.to_owned(),
            }
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        Some(ProbeRequest::get(format!("{}?{query}", self.target.path)))
    }

    /// A request of the path of the address, with its query.
    pub(crate) fn same_path(&self, method: Method) -> ProbeRequest {
        ProbeRequest::new(method, self.target.path_and_query())
    }

    /// All responses that a stranger got so far.
    ///
    /// Responses to the same method and path are listed once. That with a key is not among them.
    pub(crate) fn responses(&self) -> Vec<&ProbeResponse> {
        let mut responses: Vec<&ProbeResponse> = Vec::new();
        for response in [&self.base, &self.root, &self.missing]
            .into_iter()
            .flatten()
        {
            if responses.iter().all(|known| known.asked != response.asked) {
                responses.push(response);
            }
        }
        responses
    }

    /// The pages among them.
    pub(crate) fn pages(&self) -> Vec<&ProbeResponse> {
        self.responses()
            .into_iter()
            .filter(|response| response.is_page())
            .collect()
    }

    /// `/robots.txt`, asked for once. `None` if there is none.
    ///
    /// A page in its place, as single-page applications send it, counts as none.
    pub(crate) async fn robots_file(&self) -> Option<&ProbeResponse> {
        let fetch = async {
            let response = self
                .send_request(ProbeRequest::get("/robots.txt"))
                .await
                .ok()?;
            (response.status.is_success() && !response.is_page()).then_some(response)
        };
        self.robots.get_or_init(|| fetch).await.as_ref()
    }

    /// Whether the service demands a credential for the address.
    ///
    /// 401, 403 or 407 to the request without a key.
    pub(crate) fn demands_key(&self) -> bool {
        self.base
            .as_ref()
            .is_ok_and(|base| matches!(base.status.as_u16(), 401 | 403 | 407))
    }

    /// The remarks for the reader of the report.
    pub(crate) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// Remarks that the address redirects. The redirect is not followed.
    fn tell_redirect(&mut self) {
        let location = self
            .base
            .as_ref()
            .ok()
            .filter(|base| base.status.is_redirection());
        if let Some(location) = location.and_then(|base| base.header("location")) {
            self.notes.push(format!(
                "The address redirects to {location}, which was not followed."
            ));
        }
    }
}
