//! `[inspect]`: makes the layer of firewall rules.

#[cfg(feature = "inspect")]
use crate::config::document::{Exclude, Ids, Inspect};
use crate::config::{Config, ConfigFileError};
#[cfg(feature = "inspect")]
use palisade_inspect::{
    Exclusion, InspectBuildError, InspectLayer, InspectLayerBuilder, MatchedTextKey, PersonText,
};
#[cfg(feature = "inspect")]
use toml::Spanned;

/// The word in `person_text` for the fields of the common chat APIs.
#[cfg(feature = "inspect")]
const CHAT: &str = "chat";

/// Reads a variable that the configuration names.
#[cfg(feature = "inspect")]
#[allow(clippy::disallowed_methods)] // The configuration says where the secret is.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(not(feature = "inspect"))]
impl Config {
    /// Refuses the section: this build has no firewall rules.
    ///
    /// # Errors
    ///
    /// The file has the section.
    pub(in crate::config) fn refuse_inspection(&self) -> Result<(), ConfigFileError> {
        if self.document.inspect.is_none() {
            return Ok(());
        }
        let problem = "this build cannot inspect requests";
        let remedy = "build with the feature `inspect`, or remove the section";
        Err(self.source.key_error("inspect", "rules", problem, remedy))
    }
}

#[cfg(feature = "inspect")]
impl Config {
    /// Loads the rules of the section. `None` without the section.
    ///
    /// # Errors
    ///
    /// A rule cannot be loaded, or a value cannot be used.
    pub(in crate::config) fn inspection(&self) -> Result<Option<InspectLayer>, ConfigFileError> {
        let Some(section) = &self.document.inspect else {
            return Ok(None);
        };
        let builder = self.inspect_settings(section)?;
        let layer = builder.build();
        layer.map(Some).map_err(|error| self.inspect_error(&error))
    }

    /// Returns the settings of the section, with checked values.
    ///
    /// # Errors
    ///
    /// A value is out of range, or names something unknown.
    fn inspect_settings(&self, section: &Inspect) -> Result<InspectLayerBuilder, ConfigFileError> {
        let mut builder = InspectLayer::builder().person_text(self.person_text(section)?);
        if let Some(folder) = &section.rules {
            builder = builder.rules(self.path(folder.get_ref()));
        }
        if let Some(level) = &section.paranoia {
            builder = builder.paranoia(*level.get_ref());
        }
        if let Some(threshold) = &section.threshold {
            builder = builder.setup(&self.threshold(section, threshold)?);
        }
        if let Some(kib) = section.max_body_kib {
            builder = builder.max_body(kib.saturating_mul(1024));
        }
        builder = self.responses(section, builder)?;
        if let Some(readings) = &section.max_readings {
            builder = builder.max_readings(*readings.get_ref());
        }
        if let Some(key) = self.matched_text_key(section)? {
            builder = builder.matched_text_key(key);
        }
        if let Some(directives) = &section.directives {
            builder = builder.setup(directives);
        }
        if section.only_heads_of_grpc {
            builder = builder.only_heads_of_grpc();
        }
        if section.dangerously_accept_rules_not_loaded {
            builder = builder.dangerously_accept_rules_not_loaded();
        }
        if section.shadow == Some(false) && !self.only_shadow {
            builder = builder.enforce();
        }
        for path in &section.skip_paths {
            builder = builder.skip_path(path);
        }
        for exclude in &section.exclude {
            builder = builder.exclude(self.exclusion(exclude)?);
        }
        Ok(builder)
    }

    /// Returns the settings with what is said of responses.
    ///
    /// # Errors
    ///
    /// A key about responses is there without `response = true`.
    fn responses(
        &self,
        section: &Inspect,
        builder: InspectLayerBuilder,
    ) -> Result<InspectLayerBuilder, ConfigFileError> {
        let mut builder = builder.response(section.response);
        if let Some(kib) = &section.max_response_kib {
            self.needs_response(section, kib)?;
            builder = builder.max_response(kib.get_ref().saturating_mul(1024));
        }
        if let Some(pass) = &section.dangerously_pass_accept_encoding_and_range {
            self.needs_response(section, pass)?;
            if *pass.get_ref() {
                builder = builder.dangerously_pass_accept_encoding_and_range();
            }
        }
        Ok(builder)
    }

    /// Refuses a key about responses where none is inspected.
    ///
    /// # Errors
    ///
    /// `response` is not `true`.
    fn needs_response<T>(
        &self,
        section: &Inspect,
        key: &Spanned<T>,
    ) -> Result<(), ConfigFileError> {
        if section.response {
            return Ok(());
        }
        let problem = "responses are not inspected";
        let remedy = "set `response = true`, or remove it";
        Err(self.source.at(key, problem, remedy))
    }

    /// Returns the key for codes of what matched.
    ///
    /// # Errors
    ///
    /// The file or the variable cannot be read, or the key is too short.
    fn matched_text_key(
        &self,
        section: &Inspect,
    ) -> Result<Option<MatchedTextKey>, ConfigFileError> {
        let remedy = "write at least 32 random bytes there, such as of `openssl rand -hex 32`";
        match (&section.matched_text_key, &section.matched_text_key_env) {
            (None, None) => Ok(None),
            (Some(path), None) => MatchedTextKey::from_file(self.path(path.get_ref()))
                .map(Some)
                .map_err(|error| self.source.at(path, error.to_string(), remedy)),
            (None, Some(name)) => {
                let text = variable(name.get_ref())
                    .ok_or_else(|| self.source.at(name, "the variable is not set", remedy))?;
                MatchedTextKey::from_bytes(text.trim())
                    .map(Some)
                    .map_err(|error| self.source.at(name, error.to_string(), remedy))
            }
            (Some(_), Some(name)) => {
                let problem = "the key has two sources";
                let remedy = "keep `matched_text_key` or `matched_text_key_env`";
                Err(self.source.at(name, problem, remedy))
            }
        }
    }

    /// Returns the fields that hold what a person wrote.
    ///
    /// # Errors
    ///
    /// A field is none.
    fn person_text(&self, section: &Inspect) -> Result<PersonText, ConfigFileError> {
        let is_chat = |field: &Spanned<String>| field.get_ref() == CHAT;
        let start = match section.person_text.iter().any(is_chat) {
            true => PersonText::chat(),
            false => PersonText::default(),
        };
        let mut fields = section.person_text.iter().filter(|field| !is_chat(field));
        fields.try_fold(start, |text, field| {
            let added = text.field(field.get_ref());
            added.map_err(|error| {
                let remedy = "write `chat`, a name, or a JSON pointer such as `/comment`";
                self.source.at(field, error.to_string(), remedy)
            })
        })
    }

    /// Returns the directive that sets the threshold, under its names of CRS 4 and 3.
    ///
    /// # Errors
    ///
    /// It is 0, or the rules are those that are shipped, which keep no score.
    fn threshold(
        &self,
        section: &Inspect,
        threshold: &Spanned<u32>,
    ) -> Result<String, ConfigFileError> {
        let score = *threshold.get_ref();
        if score == 0 {
            let remedy = "write at least 1; 5 is one critical rule";
            return Err(self
                .source
                .at(threshold, "every request would be refused", remedy));
        }
        if section.rules.is_none() {
            let problem = "the rules that are shipped keep no score";
            let remedy = "set `rules` to a folder, or remove it";
            return Err(self.source.at(threshold, problem, remedy));
        }
        Ok(format!(
            "SecAction \"id:899010,phase:1,nolog,pass,setvar:tx.inbound_anomaly_score_threshold={score}\""
        ))
    }

    /// Returns an exception.
    ///
    /// # Errors
    ///
    /// It names no rule, or a path or target that cannot be one.
    fn exclusion(&self, exclude: &Spanned<Exclude>) -> Result<Exclusion, ConfigFileError> {
        let Exclude {
            rules,
            tag,
            path,
            field,
        } = exclude.get_ref();
        let exclusion = match (rules, tag) {
            (Some(ids), None) => self.exclusion_by_ids(ids)?,
            (None, Some(tag)) => Exclusion::tag(tag),
            _ => {
                let problem = "an exception needs either `rules` or `tag`";
                let remedy = "write one of them, such as `rules = 942100`";
                return Err(self.source.at(exclude, problem, remedy));
            }
        };
        let exclusion = path.iter().fold(exclusion, Exclusion::on_path);
        Ok(field.iter().fold(exclusion, Exclusion::for_target))
    }

    /// Returns an exception for one id or a range.
    ///
    /// # Errors
    ///
    /// It is neither an id nor a range of ids.
    fn exclusion_by_ids(&self, ids: &Spanned<Ids>) -> Result<Exclusion, ConfigFileError> {
        let range = match ids.get_ref() {
            Ids::One(id) => Some((*id, *id)),
            Ids::Range(text) => {
                let (from, to) = text.split_once('-').unwrap_or((text, text));
                from.trim().parse().ok().zip(to.trim().parse().ok())
            }
        };
        match range {
            Some((from, to)) if from <= to => Ok(Exclusion::ids(from, to)),
            _ => {
                let remedy = "write an id, or two with `-` between them: \"942100-942999\"";
                Err(self.source.at(ids, "these are no ids of rules", remedy))
            }
        }
    }

    /// Names the key that an error is about.
    fn inspect_error(&self, error: &InspectBuildError) -> ConfigFileError {
        let (key, remedy) = match error {
            InspectBuildError::Paranoia(_) | InspectBuildError::ParanoiaWithoutRules => {
                ("paranoia", "write 1 to 4, and `rules`")
            }
            InspectBuildError::Exclusion(_) => ("exclude", "write ids, tags, paths and targets"),
            InspectBuildError::NotLoaded { .. } => (
                "rules",
                "see all with `palisade inspect rules FOLDER`; correct or remove the rule, or set `dangerously_accept_rules_not_loaded`",
            ),
            _ => (
                "rules",
                "name a folder with `rules/*.conf`; `palisade inspect rules` tells where to get them",
            ),
        };
        self.source
            .key_error("inspect", key, &error.to_string(), remedy)
    }
}
