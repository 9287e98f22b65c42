//! The values of the budgets' sections, checked. Every error names the line of the value itself.
//!
//! | key | range | default |
//! |---|---|---|
//! | `amount` | 1 to 2^50; money to a billion | none |
//! | `milliseconds_per_character` | 1 to 60000 | 1000 |
//! | `bytes_per_second` | 1 to 1000000 | 1000 |
//! | `max_tokens` | 1 to 16777216 | 4096 of `[metering]`, no limit of a rule |
//! | `overhead_tokens`, `reference_tokens` | 0 to 16777216 | 1024, 131072 |
//! | `max_body_kib` | 1 to 65536 | 4096; 25600 of `[[transcriptions]]` |

use std::sync::Arc;

use palisade::config::{Config, ConfigFileError, nearest_name};
use palisade_rate_limit::{CalendarPeriod, CalendarWindow};
use toml::Spanned;

use super::unit::{By, Unit};
use super::{
    model_rule::ModelRule,
    policy::{Budget, Metering},
    price::{self, Price, PriceEntry},
    section::{
        Amount, BudgetSection, MeteringSection, ModelRuleSection, PriceSection, SpeechSection,
        TranscriptionSection,
    },
};
use crate::{pattern::Pattern, problem::Place};

/// The most units of a budget.
const MOST: u64 = 1 << 50;
/// The most tokens of one setting: larger than the context of any model.
const MOST_TOKENS: u64 = 1 << 24;
/// The longest name or pattern.
pub(super) const LONGEST_NAME: usize = 100;

/// A checked value, or the error with line, key and remedy.
pub(super) type Checked<T> = Result<T, ConfigFileError>;

/// Refuses prices and settings that nothing uses.
///
/// # Errors
///
/// There is such a section.
pub(super) fn nothing_to_meter(config: &Config, place: Place<'_>) -> Checked<()> {
    for (section, key) in [
        ("prices", "models"),
        ("speech", "path"),
        ("transcriptions", "path"),
        ("metering", "file"),
    ] {
        if config.has(&[section]) {
            let problem = "there is no budget that uses it";
            let remedy = "add `[[budgets]]`, or remove the section";
            return Err(place.missing_key(section, key, problem, remedy));
        }
    }
    Ok(())
}

/// Reads `[[budgets]]`.
///
/// # Errors
///
/// A value cannot be used, two budgets have one name, a budget of money has no prices, or one of speech no path.
pub(super) fn read_budgets(
    sections: &[BudgetSection],
    prices: &[PriceSection],
    speech: &[SpeechSection],
    transcriptions: &[TranscriptionSection],
    place: Place<'_>,
) -> Checked<Vec<Arc<Budget>>> {
    let mut budgets: Vec<Arc<Budget>> = Vec::new();
    for section in sections {
        let budget = read_budget(section, place)?;
        if budgets.iter().any(|known| known.name == budget.name) {
            let remedy = "give each budget a name of its own";
            return Err(place.invalid_value(&section.name, "two budgets have this name", remedy));
        }
        let has_sound = budget.unit == Unit::AudioSeconds && !transcriptions.is_empty();
        let needs_text = matches!(budget.unit, Unit::AudioSeconds | Unit::Characters);
        if needs_text && speech.is_empty() && !has_sound {
            let remedy = "add `[[speech]]` with `path` and `text`";
            return Err(place.invalid_value(&section.unit, "no path speaks a text", remedy));
        }
        let has_prices = !prices.is_empty()
            || speech.iter().any(|section| section.price.is_some())
            || transcriptions
                .iter()
                .any(|section| section.price_per_minute.is_some());
        if budget.unit == Unit::Money && !has_prices {
            let remedy = "add `[[prices]]` with `models`, `input` and `output`";
            return Err(place.invalid_value(&section.unit, "no model has a price", remedy));
        }
        budgets.push(Arc::new(budget));
    }
    Ok(budgets)
}

/// Reads one entry of `[[budgets]]`.
///
/// # Errors
///
/// A value cannot be used, or `by = "model"` has no `models`.
fn read_budget(section: &BudgetSection, place: Place<'_>) -> Checked<Budget> {
    let unit = one_of(&section.unit, &Unit::ALL, place)?;
    let by = match &section.by {
        None => By::Principal,
        Some(by) => one_of(by, &By::ALL, place)?,
    };
    if let (By::Model, [], Some(written)) = (by, section.models.as_slice(), &section.by) {
        let problem = "the models are not named, and clients may name any";
        let remedy = "add `models = [\"…\"]`; each entry has a counter of its own";
        return Err(place.invalid_value(written, problem, remedy));
    }
    Ok(Budget {
        name: read_name(&section.name, place)?.into(),
        unit,
        amount: match unit {
            Unit::AudioSeconds => read_amount(&section.amount, false, place)?.saturating_mul(1000),
            _ => read_amount(&section.amount, unit == Unit::Money, place)?,
        },
        window: read_window(section, place)?,
        by,
        models: read_patterns(&section.models, place)?,
    })
}

/// Reads a name: it stands in header fields and in keys of the store.
///
/// # Errors
///
/// It is empty, longer than 100 bytes, or has other characters than lower-case letters, digits, `-` and `_`.
fn read_name<'a>(name: &'a Spanned<String>, place: Place<'_>) -> Checked<&'a str> {
    let text = name.get_ref().as_str();
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    match !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(fits) {
        true => Ok(text),
        false => Err(place.invalid_value(
            name,
            format_args!("`{text}` is no name of a budget"),
            "write 1 to 100 lower-case letters, digits and hyphens",
        )),
    }
}

/// Finds a word in a list. The error names the nearest one.
///
/// # Errors
///
/// The word is not in the list.
fn one_of<T: Copy>(
    written: &Spanned<String>,
    known: &[(&'static str, T)],
    place: Place<'_>,
) -> Checked<T> {
    let text = written.get_ref().as_str();
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let all = format!("write one of `{}`", names.join("`, `"));
    let remedy = match nearest_name(text, &names) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => all,
    };
    Err(place.invalid_value(written, format_args!("`{text}` is not known"), &remedy))
}

/// Reads an amount of units, or of money in millionths.
///
/// # Errors
///
/// It is 0, above 2^50, or not of the form that the unit has.
fn read_amount(written: &Spanned<Amount>, is_money: bool, place: Place<'_>) -> Checked<u64> {
    let read = match (written.get_ref(), is_money) {
        (Amount::Whole(number), false) => u64::try_from(*number).ok(),
        (Amount::Whole(number), true) => price::parse_millionths(&number.to_string()),
        (Amount::Text(text), true) => price::parse_millionths(text),
        (Amount::Text(_), false) | (Amount::Fraction(_), _) => None,
    };
    let in_range = read.filter(|units| (1..=MOST).contains(units));
    in_range.ok_or_else(|| {
        let remedy = match is_money {
            true => "write a decimal number as text, such as \"25.00\", with at most 6 digits after the point",
            false => "write a whole number from 1 to 1125899906842624",
        };
        place.invalid_value(written, "this is no amount of this unit", remedy)
    })
}

/// Reads `window` and `time_zone`. Default of the time zone: UTC. Minutes and hours take none.
///
/// # Errors
///
/// The window is unknown, there is no such time zone, or minutes and hours have one.
fn read_window(section: &BudgetSection, place: Place<'_>) -> Checked<CalendarWindow> {
    let periods = ["minute", "hour", "day", "month"].map(|name| (name, name));
    let period = CalendarPeriod::named(one_of(&section.window, &periods, place)?);
    let period = period.unwrap_or(CalendarPeriod::Month);
    let is_calendar = matches!(period, CalendarPeriod::Day | CalendarPeriod::Month);
    let zone = section.time_zone.as_ref();
    match zone {
        Some(zone) if !is_calendar => Err(place.invalid_value(
            zone,
            "minutes and hours are the same in all time zones",
            "remove the key, or use the window `day` or `month`",
        )),
        Some(zone) => CalendarWindow::in_zone(period, zone.get_ref()).map_err(|problem| {
            place.invalid_value(zone, problem, "the names are those of the IANA database")
        }),
        None => CalendarWindow::in_zone(period, "UTC").map_err(|problem| {
            place.missing_key("budgets", "time_zone", &problem.to_string(), "report this")
        }),
    }
}

/// Reads names with stars.
///
/// # Errors
///
/// A name is empty, longer than 100 bytes, or has control characters.
fn read_patterns(written: &[Spanned<String>], place: Place<'_>) -> Checked<Vec<Pattern>> {
    let pattern = |written: &Spanned<String>| {
        let text = written.get_ref();
        match !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control) {
            true => Ok(Pattern::new(text)),
            false => Err(place.invalid_value(
                written,
                "this names nothing",
                "write 1 to 100 characters; `*` stands for any text",
            )),
        }
    };
    written.iter().map(pattern).collect()
}

/// Reads the path of a service, with stars.
///
/// # Errors
///
/// It begins with neither a slash nor a star, or has control characters.
pub(super) fn read_path(
    written: &Spanned<String>,
    example: &str,
    place: Place<'_>,
) -> Checked<Pattern> {
    let path = written.get_ref();
    match path.starts_with(['/', '*']) && !path.contains(char::is_control) {
        true => Ok(Pattern::new(path)),
        false => {
            let remedy = format!("write it as \"{example}\"; `*` stands for any text");
            Err(place.invalid_value(written, "this is no path", &remedy))
        }
    }
}

/// Reads `[[prices]]`.
///
/// # Errors
///
/// A price is no decimal number, or a name cannot be used.
pub(super) fn read_prices(sections: &[PriceSection], place: Place<'_>) -> Checked<Vec<PriceEntry>> {
    let entry = |section: &PriceSection| {
        let input = read_price(&section.input, place)?;
        let cache_write = section.cache_write.as_ref();
        let cache_write = cache_write.map(|written| read_price(written, place));
        Ok(PriceEntry {
            models: read_patterns(&section.models, place)?,
            price: Price {
                input,
                output: read_price(&section.output, place)?,
                cache_write: cache_write.unwrap_or(Ok(input * 2))?,
            },
        })
    };
    sections.iter().map(entry).collect()
}

/// Reads a price, which may be zero.
///
/// # Errors
///
/// It is no decimal number with at most six digits after the point, or above 2^50 millionths.
pub(super) fn read_price(written: &Spanned<Amount>, place: Place<'_>) -> Checked<u64> {
    let read = match written.get_ref() {
        Amount::Text(text) => price::parse_millionths(text),
        Amount::Whole(number) => price::parse_millionths(&number.to_string()),
        Amount::Fraction(_) => None,
    };
    let in_range = read.filter(|price| *price <= MOST);
    in_range.ok_or_else(|| {
        let remedy = "write the price of a million tokens as text, such as \"2.50\"";
        place.invalid_value(written, "this is no price", remedy)
    })
}

/// Reads `[[model_rules]]`.
///
/// # Errors
///
/// A value cannot be used, or a rule limits nothing.
pub(super) fn read_rules(
    sections: &[ModelRuleSection],
    place: Place<'_>,
) -> Checked<Vec<ModelRule>> {
    sections
        .iter()
        .map(|section| read_rule(section, place))
        .collect()
}

/// Reads one entry of `[[model_rules]]`. It must limit something.
///
/// # Errors
///
/// A value cannot be used, or the rule limits nothing.
fn read_rule(section: &ModelRuleSection, place: Place<'_>) -> Checked<ModelRule> {
    if section.models.is_empty() && section.max_tokens.is_none() {
        let remedy = "add `models` or `max_tokens`";
        return Err(place.missing_key("model_rules", "models", "a rule limits nothing", remedy));
    }
    let path = section.path.as_ref().map(|path| {
        let text = path.get_ref().trim_end_matches('/');
        match text.starts_with('/') {
            true => Ok(text.to_owned()),
            false => Err(place.invalid_value(path, "this is no path", "write it as \"/v1\"")),
        }
    });
    let tokens = section.max_tokens.as_ref();
    Ok(ModelRule {
        principals: read_patterns(&section.principals, place)?,
        owners: read_patterns(&section.owners, place)?,
        path: path.transpose()?,
        models: read_patterns(&section.models, place)?,
        max_tokens: tokens
            .map(|written| read_number(written, 1, MOST_TOKENS, place))
            .transpose()?,
    })
}

/// Reads `[metering]`.
///
/// # Errors
///
/// A value is out of range.
pub(super) fn read_metering(section: &MeteringSection, place: Place<'_>) -> Checked<Metering> {
    let tokens = |written: &Option<Spanned<u64>>, least, default| match written {
        Some(written) => read_number(written, least, MOST_TOKENS, place),
        None => Ok(default),
    };
    let max_body = match &section.max_body_kib {
        Some(written) => read_number(written, 1, 65_536, place)?,
        None => 4096,
    };
    let fields = ["max_tokens", "max_completion_tokens"].map(|name| (name, name));
    Ok(Metering {
        max_tokens: tokens(&section.max_tokens, 1, 4096)?,
        overhead_tokens: tokens(&section.overhead_tokens, 0, 1024)?,
        reference_tokens: tokens(&section.reference_tokens, 0, 131_072)?,
        max_body: usize::try_from(max_body * 1024).unwrap_or(usize::MAX),
        free_paths: read_patterns(&section.free_paths, place)?,
        output_field: match &section.output_field {
            Some(written) => one_of(written, &fields, place)?,
            None => "max_tokens",
        },
        ask_for_usage: section.ask_for_usage.unwrap_or(true),
    })
}

/// Reads a whole number from `least` to `most`.
///
/// # Errors
///
/// It is out of range; the error names both bounds.
pub(super) fn read_number(
    written: &Spanned<u64>,
    least: u64,
    most: u64,
    place: Place<'_>,
) -> Checked<u64> {
    let number = *written.get_ref();
    match (least..=most).contains(&number) {
        true => Ok(number),
        false => Err(place.invalid_value(
            written,
            format_args!("{number} is out of range"),
            &format!("write {least} to {most}"),
        )),
    }
}
