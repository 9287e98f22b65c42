//! The names of the model: its own, and aliases from the settings.

/// The name of the model: of all voices, for they are of one family.
pub(crate) const MODEL: &str = "sambert-hifigan";

/// The names of the model.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    names: Vec<String>,
    /// Whether every other name stands for it too.
    any: bool,
    /// When the server was started, in seconds since 1970.
    started: u64,
}

impl Models {
    /// Takes other names besides its own in.
    pub(crate) fn new(aliases: impl IntoIterator<Item = String>, started: u64) -> Self {
        let (any, aliases): (Vec<String>, Vec<String>) =
            aliases.into_iter().partition(|alias| alias == "*");
        Self {
            names: std::iter::once(MODEL.to_owned()).chain(aliases).collect(),
            any: !any.is_empty(),
            started,
        }
    }

    /// Finds a name.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let found = self.names().find(|known| *known == name);
        found.or_else(|| self.any.then_some(MODEL))
    }

    /// Returns all names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Tells whether every name is found.
    pub(crate) fn takes_any(&self) -> bool {
        self.any
    }

    /// Returns when the server was started, in seconds since 1970.
    pub(crate) const fn started(&self) -> u64 {
        self.started
    }
}
