//! `Content-Security-Policy` (CSP Level 3): a builder that always writes the dangerous
//! directives.
//!
//! `default-src`, `base-uri`, `form-action`, `frame-ancestors` and `object-src` are in every
//! value.

mod allow;
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

    /// Returns the value of the header, for responses that do not use the nonce: it allows nothing
    /// inline.
    ///
    /// # Panics
    ///
    /// Never: every source was checked when it was created.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        let policy = self.write_policy(None);
        HeaderValue::try_from(policy).expect("every source was checked when it was made")
    }

    /// Returns the policy with a place for the nonce. `None` if no source is a nonce.
    pub(super) fn nonces(&self) -> Option<NonceTemplate> {
        let is_nonce = |source: &ContentSource| *source == ContentSource::NONCE;
        let mut sources = self.directives.iter().flat_map(|(_, sources)| sources);
        let has_nonce = sources.any(is_nonce);
        has_nonce.then(|| NonceTemplate::new(self.write_policy(Some(NonceTemplate::PLACE))))
    }

    /// Writes the policy. Without a nonce, sources that need one are left out.
    fn write_policy(&self, nonce: Option<&str>) -> String {
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
    fn add_source(mut self, directive: Directive, source: ContentSource) -> Self {
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
