//! Rules that are functions of the operator, such as a cleaner of HTML.
//!
//! Plain text is the default, and no cleaner of HTML is part of this crate: `ammonia` depends on packages under
//! the Mozilla Public License (`cssparser`, `dtoa-short`), which the licenses of this workspace do not allow.
//! An application that may use it passes its function here.

use std::fmt;
use std::sync::Arc;

use super::{Effect, Matcher, TextRule};

/// A function that returns the new text.
#[derive(Clone)]
pub(crate) struct Rewriter(Arc<dyn Fn(&str) -> String + Send + Sync>);

impl Rewriter {
    /// Returns the new text.
    pub(super) fn apply(&self, text: &str) -> String {
        (self.0)(text)
    }
}

impl fmt::Debug for Rewriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewriter(..)")
    }
}

impl TextRule {
    /// Replaces the whole text by what a function makes of it, such as `ammonia::clean` for HTML.
    ///
    /// The function is called in each round, after hidden characters are removed and the text is normalized,
    /// until nothing changes. It must return a text that it leaves as it is; otherwise the text is refused
    /// ([`Refused::Unstable`](crate::Refused::Unstable)). The limits of length apply to the result. It must
    /// not block, and its time should grow in proportion to the text.
    ///
    /// With [`refuse`](Self::refuse) and [`flag`](Self::flag) a text is refused or flagged that the function
    /// would change.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// // Stands for `ammonia::clean`, or any other function of a text.
    /// fn without_scripts(html: &str) -> String {
    ///     html.replace("<script>", "").replace("</script>", "")
    /// }
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::rewrite("html", without_scripts)).build()?;
    /// // What is left together by one round is found in the next.
    /// assert_eq!(sanitizer.clean("<b>a</b><scr<script>ipt>b</script>")?.text(), "<b>a</b>b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rewrite(
        name: impl Into<Arc<str>>,
        function: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let rewriter = Rewriter(Arc::new(function));
        Self {
            name: name.into(),
            matcher: Matcher::Rewrite(rewriter.clone()),
            effect: Effect::Rewrite(rewriter),
        }
    }
}
