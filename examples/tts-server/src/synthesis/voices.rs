//! The voices of a server by their names.

use std::{fmt, sync::Arc};

use super::{Voice, VoiceInfo};
use crate::error::StartError;

/// What may be asked to speak. Never empty.
pub(crate) struct Voices {
    entries: Vec<Entry>,
    /// Other names, and the places that they stand for.
    aliases: Vec<(String, usize)>,
    /// The place that every name stands for that is not known.
    any: Option<usize>,
}

/// The alias that stands for every other name.
const ANY: &str = "*";

/// A voice with what clients may know of it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) info: VoiceInfo,
    pub(crate) voice: Arc<dyn Voice>,
}

impl Voices {
    /// Takes the voices in; the first is the default.
    ///
    /// # Errors
    ///
    /// When there is none, or two have one name, or an alias names none or hides one.
    pub(crate) fn new(
        voices: Vec<Arc<dyn Voice>>,
        aliases: &[(String, String)],
    ) -> Result<Self, StartError> {
        let entry = |voice: Arc<dyn Voice>| Entry {
            info: voice.info(),
            voice,
        };
        let entries: Vec<Entry> = voices.into_iter().map(entry).collect();
        let mut this = Self {
            entries,
            aliases: Vec::new(),
            any: None,
        };
        this.check()?;
        for (alias, name) in aliases {
            let place = this.place(name);
            let place = place
                .filter(|_| this.is_free(alias))
                .ok_or_else(|| {
                    let known = this.names().join(", ");
                    let what = format!("the alias {alias:?} for {name:?} is not possible: there is no such voice, or the alias is a name already");
                    StartError::new(what).remedy(format!(
                        "Use a name that is not taken, for one of the voices {known}."
                    ))
                })?;
            match alias.as_str() {
                ANY => this.any = Some(place),
                alias => this.aliases.push((alias.to_owned(), place)),
            }
        }
        Ok(this)
    }

    fn check(&self) -> Result<(), StartError> {
        if self.entries.is_empty() {
            return Err(StartError::new("there is no voice"));
        }
        let names = self.names();
        for (place, name) in names.iter().enumerate() {
            if names.iter().take(place).any(|other| other == name) {
                return Err(StartError::new(format!("two voices are called {name:?}"))
                    .remedy("Remove one of them from `[tts] voices`, or give it another `name` in the `voice.json` of its folder."));
            }
        }
        Ok(())
    }

    /// Finds a voice by its name, or by another that stands for it; the default where none is named.
    pub(crate) fn find(&self, name: Option<&str>) -> Option<&Entry> {
        let place = match name {
            None => 0,
            Some(name) => self.place(name).or(self.any)?,
        };
        self.entries.get(place)
    }

    /// Returns every name by which a voice is found, the other ones last.
    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        let names = self.entries.iter().map(|entry| entry.info.id.as_str());
        names.chain(self.aliases.iter().map(|(alias, _)| alias.as_str()))
    }

    /// Tells whether every name is found.
    pub(crate) fn takes_any(&self) -> bool {
        self.any.is_some()
    }

    fn is_free(&self, alias: &str) -> bool {
        match alias {
            ANY => self.any.is_none(),
            alias => self.place(alias).is_none(),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        let own = self.entries.iter().position(|entry| entry.info.id == name);
        let alias = || self.aliases.iter().find(|(alias, _)| alias == name);
        own.or_else(|| Some(alias()?.1))
    }

    /// Returns all voices, the default first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &VoiceInfo> {
        self.entries.iter().map(|entry| &entry.info)
    }

    /// Returns the names of all, the default first.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.all().map(|info| info.id.as_str()).collect()
    }
}

impl fmt::Debug for Voices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sambert_hifigan::StopSignal;

    use super::*;
    use crate::{synthesis::Speech, synthesis::SpeechError, synthesis::Utterance};

    struct Named(&'static str);

    impl Voice for Named {
        fn info(&self) -> VoiceInfo {
            VoiceInfo {
                id: self.0.into(),
                name: self.0.into(),
                sample_rate: 16_000,
                emotions: Vec::new(),
            }
        }

        fn speak(&self, _: &Utterance, _: &StopSignal) -> Result<Speech, SpeechError> {
            Err(SpeechError::NothingToSpeak)
        }
    }

    fn voices(names: &[&'static str], aliases: &[(&str, &str)]) -> Result<Voices, String> {
        let owned = |(alias, name): &(&str, &str)| ((*alias).to_owned(), (*name).to_owned());
        let aliases: Vec<_> = aliases.iter().map(owned).collect();
        let named = names
            .iter()
            .map(|name| Arc::new(Named(name)) as Arc<dyn Voice>);
        Voices::new(named.collect(), &aliases).map_err(|error| error.to_string())
    }

    #[test]
    fn a_voice_is_found_by_its_name_or_an_alias_and_the_first_without() {
        let voices = voices(&["a", "b"], &[("alloy", "b")]).unwrap();
        let found = |name| voices.find(name).map(|entry| entry.info.id.clone());
        assert_eq!(found(None).as_deref(), Some("a"));
        assert_eq!(found(Some("b")).as_deref(), Some("b"));
        assert_eq!(found(Some("alloy")).as_deref(), Some("b"));
        assert_eq!(found(Some("c")), None);
        assert_eq!(voices.names(), ["a", "b"]);
    }

    #[test]
    fn an_asterisk_stands_for_every_name_that_is_not_known() {
        let voices = voices(&["a", "b"], &[("*", "b"), ("alloy", "a")]).unwrap();
        let found = |name| voices.find(name).map(|entry| entry.info.id.clone());
        assert_eq!(found(Some("nova")).as_deref(), Some("b"));
        assert_eq!(found(Some("alloy")).as_deref(), Some("a"));
        assert_eq!(found(None).as_deref(), Some("a"));
        assert!(!voices.known().any(|name| name == "*"));
    }

    #[test]
    fn two_voices_of_one_name_are_told_where_the_name_is_written() {
        let refusal = voices(&["a", "a"], &[]).unwrap_err();
        assert!(refusal.contains("voice.json"), "{refusal}");
    }

    #[test]
    fn names_that_are_doubtful_are_refused_at_the_start() {
        for (names, aliases) in [
            (&[][..], &[][..]),
            (&["a", "a"], &[]),
            (&["a"], &[("alloy", "b")]),
            (&["a", "b"], &[("a", "b")]),
            (&["a"], &[("alloy", "a"), ("alloy", "a")]),
            (&["a", "b"], &[("*", "a"), ("*", "b")]),
            (&["a"], &[("*", "b")]),
        ] {
            assert!(voices(names, aliases).is_err(), "{names:?} {aliases:?}");
        }
    }
}
