//! `Content-Security-Policy` (CSP Level 3): a builder that always writes the dangerous
//! directives.
//!
//! `default-src`, `base-uri`, `form-action`, `frame-ancestors` and `object-src` are in every
//! value.

mod directive;
mod nonce_template;
mod source;

use http::HeaderValue;

use self::directive::Directive;
pub(super) use self::nonce_template::NonceTemplate;
pub use self::source::ContentSource;

/// What a page may load and do. Starts with nothing allowed; each method adds one permission.
///
/// Give it to [`HeadersLayer::browser`](crate::HeadersLayer::browser). Repeated calls of one
/// method add to its list of sources; a source that is already there is not repeated. The order
/// of calls does not change the header.
///
/// ```
/// use palisade_transport::{ContentSecurityPolicy, ContentSource};
///
/// let page = ContentSecurityPolicy::nothing()
///     .scripts(ContentSource::SAME_ORIGIN)
///     .styles(ContentSource::SAME_ORIGIN)
///     .connections(ContentSource::SAME_ORIGIN)
///     .images(ContentSource::SAME_ORIGIN)
///     .data_images()
///     .media(ContentSource::host("https://cdn.example.com")?);
/// assert_eq!(
///     page.header_value(),
///     "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
///      object-src 'none'; connect-src 'self'; img-src 'self' data:; \
///      media-src https://cdn.example.com; script-src 'self'; style-src 'self'"
/// );
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ContentSecurityPolicy {
    directives: Vec<(Directive, Vec<ContentSource>)>,
    trusted_types: bool,
}

impl ContentSecurityPolicy {
    /// Allows nothing. For every response that is not a page.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::ContentSecurityPolicy;
    ///
    /// let value = ContentSecurityPolicy::nothing().header_value();
    /// assert!(value.to_str().unwrap().starts_with("default-src 'none'"));
    /// ```
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Allows what a page loads from its own origin.
    ///
    /// That is: scripts, styles, images, fonts, media, connections, manifests and form targets.
    /// Nothing inline and nothing from other origins.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::ContentSecurityPolicy;
    ///
    /// let value = ContentSecurityPolicy::same_origin().header_value();
    /// let text = value.to_str().unwrap();
    /// assert!(text.contains("script-src 'self'") && !text.contains("unsafe-inline"));
    /// ```
    pub fn same_origin() -> Self {
        Self::nothing()
            .scripts(ContentSource::SAME_ORIGIN)
            .styles(ContentSource::SAME_ORIGIN)
            .images(ContentSource::SAME_ORIGIN)
            .fonts(ContentSource::SAME_ORIGIN)
            .media(ContentSource::SAME_ORIGIN)
            .connections(ContentSource::SAME_ORIGIN)
            .manifests(ContentSource::SAME_ORIGIN)
            .forms_to(ContentSource::SAME_ORIGIN)
    }

    /// Adds a source of scripts (`script-src`).
    ///
    /// Default: none, so no script runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// let policy = ContentSecurityPolicy::nothing()
    ///     .scripts(ContentSource::SAME_ORIGIN)
    ///     .scripts(ContentSource::host("https://cdn.example.com")?);
    /// let value = policy.header_value();
    /// assert!(value.to_str()?.ends_with("script-src 'self' https://cdn.example.com"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scripts(self, source: ContentSource) -> Self {
        self.add(Directive::Script, source)
    }

    /// Allows inline scripts that have the [`CspNonce`](crate::CspNonce) of their response (`script-src
    /// 'nonce-…'`). Default: no inline script runs.
    ///
    /// # Examples
    ///
    /// A page with its script, with the feature `axum`:
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, CspNonce, HeadersLayer};
    ///
    /// let layer = HeadersLayer::browser(&ContentSecurityPolicy::same_origin().nonce_scripts());
    /// fn page(nonce: &CspNonce) -> String {
    ///     format!("<script nonce=\"{}\">start()</script>", nonce.as_str())
    /// }
    /// # let _ = (layer, page);
    /// ```
    pub fn nonce_scripts(self) -> Self {
        self.add(Directive::Script, ContentSource::NONCE)
    }

    /// Allows inline style sheets that have the [`CspNonce`](crate::CspNonce) of their response
    /// (`style-src 'nonce-…'`). Default: none.
    pub fn nonce_styles(self) -> Self {
        self.add(Directive::Style, ContentSource::NONCE)
    }

    /// Lets scripts that have the nonce load others (`script-src 'strict-dynamic'`). Default: they
    /// cannot.
    ///
    /// Browsers then ignore the other sources of scripts, so a page needs
    /// [`nonce_scripts`](Self::nonce_scripts) and its nonce in each `script` element.
    pub fn strict_dynamic(self) -> Self {
        self.add(Directive::Script, ContentSource::STRICT_DYNAMIC)
    }

    /// Adds a source of style sheets (`style-src`).
    ///
    /// Default: none. Inline `style` attributes need [`ContentSource::dangerously_inline`].
    pub fn styles(self, source: ContentSource) -> Self {
        self.add(Directive::Style, source)
    }

    /// Adds a source of images (`img-src`).
    ///
    /// Default: none, not even the icon of the page.
    pub fn images(self, source: ContentSource) -> Self {
        self.add(Directive::Image, source)
    }

    /// Allows images that are part of the page (`img-src data:`).
    ///
    /// Default: not allowed. A script that an attacker controls can put any image there, and no more.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// let policy = ContentSecurityPolicy::nothing()
    ///     .images(ContentSource::SAME_ORIGIN)
    ///     .data_images();
    /// assert!(policy.header_value().to_str()?.ends_with("img-src 'self' data:"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data_images(self) -> Self {
        self.add(Directive::Image, ContentSource::DATA)
    }

    /// Allows images that scripts of the page create (`img-src blob:`).
    ///
    /// Default: not allowed. For pages that draw or download images with scripts.
    pub fn blob_images(self) -> Self {
        self.add(Directive::Image, ContentSource::BLOB)
    }

    /// Adds a source of fonts (`font-src`).
    ///
    /// Default: none; fonts of the system are not affected.
    pub fn fonts(self, source: ContentSource) -> Self {
        self.add(Directive::Font, source)
    }

    /// Adds a source of audio and video (`media-src`).
    ///
    /// Default: none.
    pub fn media(self, source: ContentSource) -> Self {
        self.add(Directive::Media, source)
    }

    /// Allows audio and video that scripts of the page create or have fetched (`media-src
    /// blob:`).
    ///
    /// Default: not allowed. For audio that a script receives in parts and plays.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// // A script fetches sound, makes a blob of it, and plays it.
    /// let player = ContentSecurityPolicy::same_origin().blob_media();
    /// assert!(player.header_value().to_str()?.contains("media-src 'self' blob:"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn blob_media(self) -> Self {
        self.add(Directive::Media, ContentSource::BLOB)
    }

    /// Adds an origin to which scripts may connect with `fetch` or `WebSocket` (`connect-src`).
    ///
    /// Default: none. A `WebSocket` needs its own origin, such as `wss://api.example.com`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// let policy = ContentSecurityPolicy::same_origin()
    ///     .connections(ContentSource::host("wss://api.example.com")?);
    /// let value = policy.header_value();
    /// assert!(value.to_str()?.contains("connect-src 'self' wss://api.example.com"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connections(self, source: ContentSource) -> Self {
        self.add(Directive::Connect, source)
    }

    /// Adds a source of workers (`worker-src`).
    ///
    /// Default: none.
    pub fn workers(self, source: ContentSource) -> Self {
        self.add(Directive::Worker, source)
    }

    /// Adds a source of pages that are embedded in this one (`frame-src`).
    ///
    /// Default: none.
    pub fn frames(self, source: ContentSource) -> Self {
        self.add(Directive::Frame, source)
    }

    /// Adds a source of web application manifests (`manifest-src`).
    ///
    /// Default: none.
    pub fn manifests(self, source: ContentSource) -> Self {
        self.add(Directive::Manifest, source)
    }

    /// Adds an origin to which forms may be sent (`form-action`). Default: none.
    ///
    /// A form that an attacker writes into the page can then send no password elsewhere.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// // The form of a sign-in page is sent to another host of the same company.
    /// let policy = ContentSecurityPolicy::same_origin()
    ///     .forms_to(ContentSource::host("https://login.example.com")?);
    /// assert!(policy.header_value().to_str()?.contains("form-action 'self' https://login.example.com"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forms_to(self, source: ContentSource) -> Self {
        self.add(Directive::FormAction, source)
    }

    /// Adds a site that may embed this one (`frame-ancestors`). Default: none.
    ///
    /// `X-Frame-Options` stays `DENY` for old browsers: it cannot name sites.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// let widget = ContentSecurityPolicy::same_origin()
    ///     .framed_by(ContentSource::host("https://partner.example")?);
    /// assert!(widget.header_value().to_str()?.contains("frame-ancestors https://partner.example"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn framed_by(self, source: ContentSource) -> Self {
        self.add(Directive::FrameAncestors, source)
    }

    /// Requires Trusted Types for scripts (`require-trusted-types-for 'script'`). Default: not
    /// required.
    ///
    /// Browsers then refuse plain strings where they could become scripts.
    ///
    /// A page that only uses `textContent` and `createElement` needs no change. Source: Trusted Types, W3C.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::ContentSecurityPolicy;
    ///
    /// let strict = ContentSecurityPolicy::same_origin().require_trusted_types();
    /// assert!(strict.header_value().to_str()?.ends_with("require-trusted-types-for 'script'"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn require_trusted_types(mut self) -> Self {
        self.trusted_types = true;
        self
    }

    /// Returns the value of the header, for responses that do not use the nonce: it allows nothing
    /// inline.
    ///
    /// # Panics
    ///
    /// Never: every source was checked when it was created.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        let policy = self.written(None);
        HeaderValue::try_from(policy).expect("every source was checked when it was made")
    }

    /// Returns the policy with a place for the nonce. `None` if no source is a nonce.
    pub(super) fn nonces(&self) -> Option<NonceTemplate> {
        let is_nonce = |source: &ContentSource| *source == ContentSource::NONCE;
        let mut sources = self.directives.iter().flat_map(|(_, sources)| sources);
        let has_nonce = sources.any(is_nonce);
        has_nonce.then(|| NonceTemplate::new(self.written(Some(NonceTemplate::PLACE))))
    }

    /// Writes the policy. Without a nonce, sources that need one are left out.
    fn written(&self, nonce: Option<&str>) -> String {
        let mut policy = String::from("default-src 'none'; base-uri 'none'");
        for closed in [Directive::FormAction, Directive::FrameAncestors] {
            if !self.has(closed) {
                write(&mut policy, closed.as_str(), "'none'");
            }
        }
        write(&mut policy, "object-src", "'none'");
        let mut directives: Vec<_> = self.directives.iter().collect();
        directives.sort_by_key(|(directive, _)| *directive);
        for (directive, sources) in directives {
            let sources = sources.iter().filter_map(|source| match source {
                source if *source == ContentSource::NONCE => {
                    nonce.map(|nonce| format!("'nonce-{nonce}'"))
                }
                // Without a nonce nothing could be loaded.
                source if *source == ContentSource::STRICT_DYNAMIC => {
                    nonce.map(|_| source.as_str().to_owned())
                }
                source => Some(source.as_str().to_owned()),
            });
            let sources: Vec<_> = sources.collect();
            if !sources.is_empty() {
                write(&mut policy, directive.as_str(), &sources.join(" "));
            }
        }
        if self.trusted_types {
            write(&mut policy, "require-trusted-types-for", "'script'");
        }
        policy
    }

    /// Returns whether a directive has any source.
    fn has(&self, directive: Directive) -> bool {
        self.directives.iter().any(|(known, _)| *known == directive)
    }

    /// Adds a source to a directive, once.
    fn add(mut self, directive: Directive, source: ContentSource) -> Self {
        match self
            .directives
            .iter_mut()
            .find(|(known, _)| *known == directive)
        {
            Some((_, sources)) if sources.contains(&source) => {}
            Some((_, sources)) => sources.push(source),
            None => self.directives.push((directive, vec![source])),
        }
        self
    }
}

/// Appends one directive with its sources.
fn write(policy: &mut String, directive: &str, sources: &str) {
    for part in ["; ", directive, " ", sources] {
        policy.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_until_it_is_added() {
        let nothing = ContentSecurityPolicy::nothing().header_value();
        assert_eq!(
            nothing,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
        );
    }

    #[test]
    fn what_is_added_twice_is_written_once() {
        let policy = ContentSecurityPolicy::nothing()
            .framed_by(ContentSource::SAME_ORIGIN)
            .framed_by(ContentSource::SAME_ORIGIN)
            .require_trusted_types()
            .header_value();
        let text = policy.to_str().unwrap();
        assert_eq!(text.matches("frame-ancestors 'self'").count(), 1);
        assert_eq!(text.matches("frame-ancestors").count(), 1);
        assert!(text.ends_with("; require-trusted-types-for 'script'"));
    }
}
