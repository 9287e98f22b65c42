//! `palisade try text`: cleans texts as the layer does.
//!
//! # Output
//!
//! | member | when | meaning |
//! |---|---|---|
//! | `text` | cleaned | the result |
//! | `report` | cleaned | what was changed or flagged; empty if nothing |
//! | `refused`, `detail` | refused | the code and a sentence |
//! | `error`, `detail` | the line is no JSON string | `not_a_json_string` and the reason |
//! | `explain` | with `--explain` | code points of input and result |
//!
//! An entry of `report` has one of four forms: `kind`, `start`, `end` and `score` for personal
//! data; `class`, `action` and `count`; `rule`, `action` and `count`; or `change` for the whole
//! text.

use clap::Args;
use palisade_sanitize::{
    Action, CodePoint, PersonalData, PersonalDataKind, Preset, Report, ReportedData, Sanitizer,
};
use serde_json::{Map, Value, json};

use super::each_line;
use super::json_text::{self, NoText};
use crate::failure::Failure;

const EXAMPLES: &str = "\
Reads one JSON string a line from standard input and prints one JSON object a line. The exit code is 0 whatever is decided.

Examples:
  echo '\"to\\u200bday\"' | palisade try text --preset speech
  {\"report\":[{\"action\":\"changed\",\"class\":\"invisible characters\",\"count\":1}],\"text\":\"today\"}
  echo '\"call 13800138000\"' | palisade try text --preset prompt --mask phone,email
  {\"report\":[{\"end\":16,\"kind\":\"phone\",\"score\":1.0,\"start\":5}],\"text\":\"call ***********\"}
  echo '\"\"' | palisade try text --preset speech
  {\"detail\":\"the text is empty\",\"refused\":\"text_empty\"}";

/// The value of `--mask` for all kinds.
const ALL_KINDS: &str = "all";

/// Cleans texts from standard input
///
/// Each line is a JSON string, so that a text may hold line breaks and characters that a terminal would
/// execute. The result is the cleaned text with a report of what was changed, or the code of the refusal. A
/// line that is no JSON string gives an object with `error`, and the next line is read.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TryText {
    /// The settings: display-name, file-name, identifier, log-line, prompt, search-query, speech or text
    ///
    /// Those of the library, with their defaults. `text` has the defaults for text of any kind.
    #[arg(long, default_value = "text", value_name = "NAME")]
    preset: Preset,
    /// Masks personal data of these kinds, or of all kinds (`all`)
    ///
    /// Each mask is an entry of the report with kind, start, end and score. Start and end count code points
    /// of the input, from 0; the end is behind the last one.
    #[arg(long = "mask", value_delimiter = ',', value_name = "KIND,…", value_parser = parse_kinds)]
    masks: Vec<Kinds>,
    /// Also shows the code points of the input and of the result
    ///
    /// With the class and action of each character of the input that has a class in its place. Normalization,
    /// masks and white space are not part of it.
    #[arg(long)]
    explain: bool,
}

/// One part of the value of `--mask`.
#[derive(Clone, Copy, Debug)]
enum Kinds {
    All,
    One(PersonalDataKind),
}

/// Reads a name of a kind, or `all`.
///
/// Underscores are read as hyphens. The error lists the kinds.
///
/// # Errors
///
/// There is no such kind; the error lists all.
fn parse_kinds(name: &str) -> Result<Kinds, String> {
    if name == ALL_KINDS {
        return Ok(Kinds::All);
    }
    let kind = name.replace('_', "-").parse();
    let kind = kind.map_err(|problem| format!("{problem}, or {ALL_KINDS}"))?;
    Ok(Kinds::One(kind))
}

impl TryText {
    /// Cleans the text of each line.
    ///
    /// The sanitizer is that of the layer: with masks, the rule of personal data is the first rule.
    ///
    /// # Errors
    ///
    /// A setting is wrong, or standard input or output cannot be used.
    pub(super) fn run(self) -> Result<(), Failure> {
        let sanitizer = self.build_sanitizer()?;
        each_line(|line| {
            let text = match json_text::parse(line) {
                Ok(text) => text,
                Err(NoText::LoneSurrogate) => return refused_by_parser(),
                Err(NoText::NoString(why)) => {
                    return json!({ "error": "not_a_json_string", "detail": why });
                }
            };
            self.clean_text(&sanitizer, &text)
        })
    }

    /// # Errors
    ///
    /// Fails if the settings contradict each other.
    fn build_sanitizer(&self) -> Result<Sanitizer, Failure> {
        let builder = self.preset.builder();
        if self.masks.is_empty() {
            return Ok(builder.build()?);
        }
        let kinds = self.masks.iter().flat_map(|kinds| match kinds {
            Kinds::All => PersonalDataKind::ALL,
            Kinds::One(kind) => std::slice::from_ref(kind),
        });
        let finder = PersonalData::builder().kinds(kinds.copied()).build();
        Ok(builder.rule(finder.rule()).build()?)
    }

    /// Cleans one text, and writes what was done.
    fn clean_text(&self, sanitizer: &Sanitizer, text: &str) -> Value {
        let cleaned = sanitizer.clean(text);
        let mut result = Map::new();
        match &cleaned {
            Ok(clean) => {
                let report = report_entries(clean.report(), sanitizer);
                result.insert("text".into(), clean.text().into());
                result.insert("report".into(), report.into());
            }
            Err(refused) => {
                result.insert("refused".into(), refused.code().into());
                result.insert("detail".into(), format!("the text {refused}").into());
            }
        }
        if self.explain {
            let output = cleaned.as_ref().ok().map(|clean| clean.text());
            let input = sanitizer.code_points(text);
            let input: Vec<Value> = input.iter().map(explain_code_point).collect();
            let output: Vec<String> = output
                .into_iter()
                .flat_map(str::chars)
                .map(code_point_name)
                .collect();
            result.insert(
                "explain".into(),
                json!({ "input": input, "output": output }),
            );
        }
        result.into()
    }
}

/// A service refuses the whole request, since parsers differ in what they read.
fn refused_by_parser() -> Value {
    json!({ "refused": "json_malformed", "detail": "the text holds an escaped surrogate without its partner" })
}

/// Lists what a report counts: personal data, classes of characters, rules, changes of the whole text.
///
/// The order is: personal data by place, classes, rules, then changes of the whole text.
fn report_entries(report: &Report, sanitizer: &Sanitizer) -> Vec<Value> {
    let mut entries: Vec<Value> = report.found_data().map(personal_data).collect();
    let mut counted = |what: &str, name: &str, action: &str, count: u32| {
        entries.push(json!({ what: name, "action": action, "count": count }));
    };
    for (class, count) in report.classes() {
        counted("class", class.name(), "changed", count);
    }
    for (class, count) in report.flagged_classes() {
        counted("class", class.name(), "flagged", count);
    }
    let rule = |index| sanitizer.rule_name(index).unwrap_or("rule");
    // What the rule of personal data found is listed by its place.
    let is_other = |index: usize| rule(index) != PersonalData::RULE_NAME;
    for (index, count) in report
        .changing_rules()
        .filter(|&(index, _)| is_other(index))
    {
        counted("rule", rule(index), "changed", count);
    }
    for (index, count) in report.flagged_rules().filter(|&(index, _)| is_other(index)) {
        counted("rule", rule(index), "flagged", count);
    }
    let whole = [
        ("cut", report.is_cut()),
        ("normalized", report.is_normalized()),
        ("white space", report.is_trimmed()),
    ];
    let whole = whole.into_iter().filter(|(_, done)| *done);
    entries.extend(whole.map(|(change, _)| json!({ "change": change })));
    entries
}

/// Start and end count code points, the end exclusive.
fn personal_data(data: &ReportedData) -> Value {
    let place = data.char_range();
    // From a single to a double float without digits that are none: 0.8, not 0.800000011920929.
    let score = (f64::from(data.score()) * 100.0).round() / 100.0;
    json!({ "kind": data.kind(), "start": place.start, "end": place.end, "score": score })
}

/// Writes a code point of the input, with its class and action if it has a class.
fn explain_code_point(point: &CodePoint) -> Value {
    let code = code_point_name(point.character);
    match point.class {
        None => json!({ "code": code }),
        Some(class) => {
            json!({ "code": code, "class": class.name(), "action": action_name(point.action) })
        }
    }
}

/// Actions that a later version of the library adds are shown as `keep`.
fn action_name(action: Action) -> String {
    match action {
        Action::Drop => "drop".to_owned(),
        Action::Flag => "flag".to_owned(),
        Action::Refuse => "refuse".to_owned(),
        Action::Replace(by) => format!("replace with {}", code_point_name(by)),
        _ => "keep".to_owned(),
    }
}

/// Writes a code point as Unicode does: `U+202E`.
fn code_point_name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}
