//! The directives of a policy, with their names (CSP Level 3, section 6).

/// The directives that can be set, in the order in which they are written.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Directive {
    FormAction,
    FrameAncestors,
    Connect,
    Font,
    Frame,
    Image,
    Manifest,
    Media,
    Script,
    Style,
    Worker,
}

impl Directive {
    /// Returns the name of the directive.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::FormAction => "form-action",
            Self::FrameAncestors => "frame-ancestors",
            Self::Connect => "connect-src",
            Self::Font => "font-src",
            Self::Frame => "frame-src",
            Self::Image => "img-src",
            Self::Manifest => "manifest-src",
            Self::Media => "media-src",
            Self::Script => "script-src",
            Self::Style => "style-src",
            Self::Worker => "worker-src",
        }
    }
}
