//! Values that an application reads from the file, and errors that name a line of it.

use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::config::{Config, error::ConfigFileError};

impl Config {
    /// Returns whether the file has a section or a key, given with the sections that it is in:
    /// `["limits"]`, `["server", "redirect_to"]`.
    ///
    /// A key with its default value counts as there.
    #[must_use]
    pub fn has(&self, path: &[&str]) -> bool {
        self.source.has(path)
    }

    /// Makes an error about a key, for checks of the application.
    ///
    /// It names the line of the key, or that of its section if the key is missing. `problem` says
    /// what is wrong, `remedy` what to write instead. It only returns the error.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let config = Config::parse_with("speech.voices = 900", &["speech"])?;
    /// let error = config.key_error("speech", "voices", "900 is out of range", "write 1 to 32");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "configuration:1: speech.voices: 900 is out of range; write 1 to 32",
    /// );
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    #[must_use]
    pub fn key_error(
        &self,
        section: &str,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        self.source.key_error(section, key, problem, remedy)
    }

    /// Makes an error about the value at a place of the file, for checks of the application.
    ///
    /// `place` is the range of bytes that the TOML library reports for a value
    /// (`toml::Spanned::span`). The error names its line and the path of its key. Unlike
    /// [`key_error`](Self::key_error) it tells the elements of an array apart.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Voice {
    ///     name: toml::Spanned<String>,
    /// }
    ///
    /// let text = "[[voices]]\nname = 'lin'\n[[voices]]\nname = ''\n";
    /// let config = Config::parse_with(text, &["voices"])?;
    /// let voices: Vec<Voice> = config.section("voices")?;
    /// let empty = voices.iter().find(|voice| voice.name.get_ref().is_empty()).unwrap();
    /// let error = config.value_error(empty.name.span(), "the name is empty", "write a name");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "configuration:4: voices.name: the name is empty; write a name",
    /// );
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    #[must_use]
    pub fn value_error(
        &self,
        place: std::ops::Range<usize>,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        self.source.at(&Spanned::new(place, ()), problem, remedy)
    }

    /// Resolves a path of the file against the folder of the file. An absolute path stays as it is.
    #[must_use]
    pub fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        self.folder.join(written)
    }

    /// Returns the hosts of `[server]` as they are written, with patterns and ports. They are not
    /// validated here.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let hosts = self.document.server.hosts.iter();
        hosts.map(|host| host.get_ref().as_str())
    }

    /// Returns the folder of the development authority that `[server]` names. `None`: the program chooses one.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let text = "server = { hosts = ['localhost'], development_authority = '/srv/tls' }";
    /// let folder = Config::parse(text)?.development_authority();
    /// assert_eq!(folder, Some("/srv/tls".into()));
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    #[must_use]
    pub fn development_authority(&self) -> Option<PathBuf> {
        let folder = self.document.server.development_authority.as_ref()?;
        Some(self.path(folder.get_ref()))
    }

    /// Returns the issuers of `[[tokens]]` as they are written.
    pub fn token_issuers(&self) -> impl Iterator<Item = &str> {
        let issuers = self.document.tokens.iter();
        issuers.map(|section| section.issuer.get_ref().as_str())
    }

    /// Returns the resources of `[[resource_servers]]` as they are written: the addresses that clients
    /// use.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        let all = self.document.resource_servers.iter();
        all.map(|section| section.resource.get_ref().as_str())
    }

    /// Returns `[text] max_graphemes`, the longest text field in characters. `None`: the default of
    /// 500 applies.
    #[must_use]
    pub fn max_graphemes(&self) -> Option<usize> {
        self.document.text.max_graphemes
    }

    /// Returns `[text] max_body_kib`, the longest body with text fields in KiB. `None`: the default
    /// of 64 applies.
    #[must_use]
    pub fn max_body_kib(&self) -> Option<usize> {
        self.document.text.max_body_kib
    }

    /// Returns `[text] max_unread_body_kib`, the longest other body in KiB. `None`: the default of
    /// 1024 applies.
    #[must_use]
    pub fn max_unread_body_kib(&self) -> Option<usize> {
        self.document.text.max_unread_body_kib
    }
}
