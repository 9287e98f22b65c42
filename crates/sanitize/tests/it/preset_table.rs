//! The table of the book that says what each preset does with each class of characters. It is made from
//! the code; `UPDATE_TABLES=1` writes it again.

use std::{env, fs, path::Path};

use palisade_sanitize::{Class, Preset};

const BEGIN: &str = "<!-- table of presets: made by a test -->\n";
const END: &str = "<!-- end of the table -->\n";

/// What is tried: a name for the row, a text, and the character that counts.
const ROWS: [(&str, &str, char); 21] = [
    ("control, as ESC", "a\u{1b}b", '\u{1b}'),
    ("NUL", "a\0b", '\0'),
    ("TAB", "a\tb", '\t'),
    ("LF", "a\nb", '\n'),
    ("CR, VT, FF, NEL, U+2028, U+2029", "a\u{2028}b", '\u{2028}'),
    ("embeddings, overrides, isolates", "a\u{202e}b", '\u{202e}'),
    ("ALM, LRM, RLM", "a\u{200f}b", '\u{200f}'),
    ("tag characters", "a\u{e0041}b", '\u{e0041}'),
    (
        "zero-width space, soft hyphen, fillers",
        "a\u{200b}b",
        '\u{200b}',
    ),
    ("Braille pattern without dots", "a\u{2800}b", '\u{2800}'),
    (
        "joiners where no script needs them",
        "a\u{200d}b",
        '\u{200d}',
    ),
    (
        "joiners where a script needs them",
        "می\u{200c}خواهم",
        '\u{200c}',
    ),
    (
        "selectors outside of listed pairs",
        "a\u{fe0f}b",
        '\u{fe0f}',
    ),
    ("selectors after ideographs", "好\u{e0100}b", '\u{e0100}'),
    (
        "marks beyond the limit",
        "a\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{337}b",
        '\u{337}',
    ),
    ("U+00A0, U+3000 and other spaces", "a\u{a0}b", '\u{a0}'),
    ("private use", "a\u{e000}b", '\u{e000}'),
    ("noncharacters", "a\u{fdd0}b", '\u{fdd0}'),
    ("unassigned", "a\u{378}b", '\u{378}'),
    ("emoji", "a🎉b", '🎉'),
    ("full-width letters and digits", "aＢb", 'Ｂ'),
];

/// The presets, in the order of the columns.
const COLUMNS: [Preset; 8] = [
    Preset::Text,
    Preset::Speech,
    Preset::Prompt,
    Preset::LogLine,
    Preset::SearchQuery,
    Preset::DisplayName,
    Preset::FileName,
    Preset::Identifier,
];

/// Says what a preset does with the character of a row.
fn outcome(preset: Preset, text: &str, c: char) -> &'static str {
    let sanitizer = preset.sanitizer();
    let Ok(clean) = sanitizer.clean(text) else {
        return "refused";
    };
    let flagged = Class::ALL
        .iter()
        .any(|class| clean.report().flagged(*class) > 0);
    let before = text.chars().count();
    match clean.text() {
        kept if kept.contains(c) && flagged => "kept, flagged",
        kept if kept.contains(c) => "kept",
        _ if clean.report().is_normalized() && !clean.report().classes().any(|_| true) => "plain",
        clean if clean.chars().count() < before => "dropped",
        clean if clean.contains('\n') => "LF",
        clean if clean.contains(' ') => "space",
        _ => "changed",
    }
}

fn table() -> String {
    let names = COLUMNS.map(|preset| format!("`{preset}`")).join(" | ");
    let mut table = format!(
        "| character | {names} |\n|---{}|\n",
        "|---".repeat(COLUMNS.len())
    );
    for (name, text, c) in ROWS {
        let cells = COLUMNS.map(|preset| outcome(preset, text, c)).join(" | ");
        table.push_str(&format!("| {name} | {cells} |\n"));
    }
    table
}

#[test]
fn the_book_says_what_each_preset_does_with_each_class_of_characters() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/how-to/text.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if env::var_os("UPDATE_TABLES").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "run the test with UPDATE_TABLES=1 and look at the difference"
    );
}
