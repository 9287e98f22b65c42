//! The files of Debian's package `modsecurity-crs`.
//!
//! Its rules are in one folder and what the owner edits in another. A file `owasp-crs.load` beside
//! the rules includes all of them in order:
//!
//! ```text
//! Include /etc/modsecurity/crs/crs-setup.conf
//! IncludeOptional /etc/modsecurity/crs/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf
//! Include /usr/share/modsecurity-crs/rules/*.conf
//! IncludeOptional /etc/modsecurity/crs/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf
//! ```

use std::path::{Path, PathBuf};

use crate::seclang::directives;

/// The name of the file in the folder of the rules.
const LIST: &str = "owasp-crs.load";

/// What an owner edits, outside of the folder of the rules.
///
/// The default names no file.
#[derive(Debug, Default)]
pub(super) struct OwnerFiles {
    /// To be read before the rules: the setup and exclusions.
    pub(super) before: Vec<PathBuf>,
    /// To be read after them.
    pub(super) after: Vec<PathBuf>,
}

impl OwnerFiles {
    /// Reads the list in a folder of rules.
    ///
    /// A folder without the list has no such files. The line that names the folder itself tells
    /// what comes before the rules and what after them.
    pub(super) fn of(folder: &Path) -> Self {
        let mut files = Self::default();
        let text = std::fs::read_to_string(folder.join(LIST)).unwrap_or_default();
        let mut behind = false;
        for directive in directives(&text) {
            let name = directive.name.to_ascii_lowercase();
            let ("include" | "includeoptional", [file]) =
                (name.as_str(), directive.arguments.as_slice())
            else {
                continue;
            };
            if file.contains('*') {
                behind = true;
                continue;
            }
            let path = folder.join(file);
            if name == "includeoptional" && !path.is_file() {
                continue;
            }
            let list = if behind {
                &mut files.after
            } else {
                &mut files.before
            };
            list.push(path);
        }
        files
    }
}
