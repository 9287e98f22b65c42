//! The permissions that a policy can have: one method for each.

use super::{ContentSecurityPolicy, ContentSource, directive::Directive};

impl ContentSecurityPolicy {
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
        self.add_source(Directive::Script, source)
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
        self.add_source(Directive::Script, ContentSource::NONCE)
    }

    /// Allows inline style sheets that have the [`CspNonce`](crate::CspNonce) of their response
    /// (`style-src 'nonce-…'`). Default: none.
    pub fn nonce_styles(self) -> Self {
        self.add_source(Directive::Style, ContentSource::NONCE)
    }

    /// Lets scripts that have the nonce load others (`script-src 'strict-dynamic'`). Default: they
    /// cannot.
    ///
    /// Browsers then ignore the other sources of scripts, so a page needs
    /// [`nonce_scripts`](Self::nonce_scripts) and its nonce in each `script` element.
    pub fn strict_dynamic(self) -> Self {
        self.add_source(Directive::Script, ContentSource::STRICT_DYNAMIC)
    }

    /// Adds a source of style sheets (`style-src`).
    ///
    /// Default: none. Inline `style` attributes need [`ContentSource::dangerously_inline`].
    pub fn styles(self, source: ContentSource) -> Self {
        self.add_source(Directive::Style, source)
    }

    /// Adds a source of images (`img-src`).
    ///
    /// Default: none, not even the icon of the page.
    pub fn images(self, source: ContentSource) -> Self {
        self.add_source(Directive::Image, source)
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
        self.add_source(Directive::Image, ContentSource::DATA)
    }

    /// Allows images that scripts of the page create (`img-src blob:`).
    ///
    /// Default: not allowed. For pages that draw or download images with scripts.
    pub fn blob_images(self) -> Self {
        self.add_source(Directive::Image, ContentSource::BLOB)
    }

    /// Adds a source of fonts (`font-src`).
    ///
    /// Default: none; fonts of the system are not affected.
    pub fn fonts(self, source: ContentSource) -> Self {
        self.add_source(Directive::Font, source)
    }

    /// Adds a source of audio and video (`media-src`).
    ///
    /// Default: none.
    pub fn media(self, source: ContentSource) -> Self {
        self.add_source(Directive::Media, source)
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
        self.add_source(Directive::Media, ContentSource::BLOB)
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
        self.add_source(Directive::Connect, source)
    }

    /// Adds a source of workers (`worker-src`).
    ///
    /// Default: none.
    pub fn workers(self, source: ContentSource) -> Self {
        self.add_source(Directive::Worker, source)
    }

    /// Adds a source of pages that are embedded in this one (`frame-src`).
    ///
    /// Default: none.
    pub fn frames(self, source: ContentSource) -> Self {
        self.add_source(Directive::Frame, source)
    }

    /// Adds a source of web application manifests (`manifest-src`).
    ///
    /// Default: none.
    pub fn manifests(self, source: ContentSource) -> Self {
        self.add_source(Directive::Manifest, source)
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
        self.add_source(Directive::FormAction, source)
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
        self.add_source(Directive::FrameAncestors, source)
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
}
