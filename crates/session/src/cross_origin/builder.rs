//! The choices of a cross-origin layer.

use std::{error::Error, fmt};

use palisade_core::Mode;

use super::{
    CrossOriginLayer,
    exceptions::{PathException, TrustedOrigin},
};

/// Configures a [`CrossOriginLayer`]. Made by [`CrossOriginLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`trusted_origin`](Self::trusted_origin) | none |
/// | [`except_path`](Self::except_path) | none |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
///
/// ```
/// use palisade_session::{CrossOriginBuildError, CrossOriginLayer};
///
/// let layer = CrossOriginLayer::builder().trusted_origin("https://admin.example.com").build()?;
/// # let _ = layer;
///
/// let error = CrossOriginLayer::builder().trusted_origin("admin.example.com").build();
/// assert_eq!(error.unwrap_err(), CrossOriginBuildError::Origin("admin.example.com".into()));
/// # Ok::<(), CrossOriginBuildError>(())
/// ```
///
/// First record what would be refused, on a service that others already use:
///
/// ```
/// use palisade_session::{CrossOriginBuildError, CrossOriginLayer};
///
/// let layer = CrossOriginLayer::builder()
///     .except_path("/hooks/*") // signed by their senders
///     .dangerously_only_shadow()
///     .build()?;
/// # let _ = layer;
///
/// let whole_site = CrossOriginLayer::builder().except_path("/*").build();
/// assert_eq!(whole_site.unwrap_err(), CrossOriginBuildError::Path("/*".into()));
/// # Ok::<(), CrossOriginBuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CrossOriginLayerBuilder {
    trusted: Vec<Box<str>>,
    exceptions: Vec<Box<str>>,
    mode: Mode,
}

impl CrossOriginLayerBuilder {
    /// Lets pages of another origin write: scheme, host, and the port unless it is the default one, as in
    /// `https://admin.example.com`. Call it once for each.
    ///
    /// Such a page can do everything that its user may do here.
    pub fn trusted_origin(mut self, origin: impl Into<Box<str>>) -> Self {
        self.trusted.push(origin.into());
        self
    }

    /// Lets pages of every origin write to a path, or to all below a folder with `/*` at the end.
    ///
    /// For routes that check the sender themselves, such as by a signature. A path with `%`, `//`, `;`,
    /// a backslash or a segment of dots is below no folder, since the handler may read it as another path.
    ///
    /// The path is the one that this layer sees: inside of axum's `nest` it has no prefix.
    pub fn except_path(mut self, path: impl Into<Box<str>>) -> Self {
        self.exceptions.push(path.into());
        self
    }

    /// Records what would be refused and lets it pass. Default: off. Use it only while rolling out.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// [`CrossOriginBuildError`]: an origin is not written as browsers write it, or a path is none.
    pub fn build(self) -> Result<CrossOriginLayer, CrossOriginBuildError> {
        let trusted = self.trusted.into_iter().map(|written| {
            TrustedOrigin::parse(&written).ok_or(CrossOriginBuildError::Origin(written))
        });
        let exceptions = self.exceptions.into_iter().map(|written| {
            PathException::parse(&written).ok_or(CrossOriginBuildError::Path(written))
        });
        let trusted = trusted.collect::<Result<_, _>>()?;
        let exceptions = exceptions.collect::<Result<_, _>>()?;
        Ok(CrossOriginLayer::with(trusted, exceptions, self.mode))
    }
}

/// Why a [`CrossOriginLayer`] cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CrossOriginBuildError {
    /// A trusted origin is not written as browsers write it.
    Origin(Box<str>),
    /// The path of an exception is none, or can be read as another one.
    Path(Box<str>),
}

impl fmt::Display for CrossOriginBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(written) => write!(
                f,
                "`{written}` is no origin: write scheme, host in small letters, and the port unless it is the default one, such as `https://admin.example.com`"
            ),
            Self::Path(written) => write!(
                f,
                "`{written}` is no path: begin with `/`, without `%`, `//`, `;` and segments of dots; `/*` at the end means all below"
            ),
        }
    }
}

impl Error for CrossOriginBuildError {}
