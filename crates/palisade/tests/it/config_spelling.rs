//! Every spelling that TOML knows means the same, and gives the same error for a mistake.

use std::{fs, path::Path, sync::LazyLock};

use palisade::config::{Config, ConfigFileError};
use proptest::prelude::*;
use toml::{Table, Value};

use crate::config::WHOLE;

/// Chooses a spelling at each turn, from bytes that the test varies.
struct Speller {
    choices: Vec<u8>,
    next: usize,
}

impl Speller {
    fn choose(&mut self, count: u8) -> u8 {
        let choice = self
            .choices
            .get(self.next % self.choices.len().max(1))
            .copied();
        self.next += 1;
        choice.unwrap_or(0) % count
    }

    /// Writes a document. What stands under no header comes first, as TOML wants it.
    fn document(&mut self, document: &Table) -> String {
        let (mut top, mut below) = (String::new(), String::new());
        for (name, value) in document {
            match value {
                Value::Table(table) => self.section(name, table, &mut top, &mut below),
                Value::Array(tables) if tables.iter().all(Value::is_table) => {
                    self.tables(name, tables, &mut top, &mut below);
                }
                value => top += &format!("{} = {}\n", self.key(name), self.value(value)),
            }
        }
        top + &below
    }

    fn section(&mut self, name: &str, table: &Table, top: &mut String, below: &mut String) {
        match self.choose(3) {
            0 => *top += &format!("{} = {}\n", self.key(name), self.inline(table)),
            1 if !table.is_empty() => {
                for (key, value) in table {
                    let dotted = format!("{} . {}", self.key(name), self.key(key));
                    *top += &format!("{dotted} = {}\n", self.value(value));
                }
            }
            _ => {
                *below += &format!("\n[ {} ] # a comment\n", self.key(name));
                *below += &self.body(&[name], table);
            }
        }
    }

    fn tables(&mut self, name: &str, tables: &[Value], top: &mut String, below: &mut String) {
        let tables: Vec<&Table> = tables.iter().filter_map(Value::as_table).collect();
        if self.choose(2) == 0 {
            let tables: Vec<String> = tables.iter().map(|table| self.inline(table)).collect();
            *top += &format!("{} = [\n  {},\n]\n", self.key(name), tables.join(",\n  "));
            return;
        }
        for table in tables {
            *below += &format!("[[{}]]\n", self.key(name));
            *below += &self.body(&[name], table);
        }
    }

    /// Writes the keys below a header; tables in it inline, dotted, or under a header of their own.
    fn body(&mut self, path: &[&str], table: &Table) -> String {
        let (mut body, mut headers) = (String::new(), String::new());
        for (key, value) in table {
            match (value, self.choose(3)) {
                (Value::Table(inner), 0) => {
                    let path = [path, &[key.as_str()]].concat();
                    let keys: Vec<String> = path.iter().map(|name| self.key(name)).collect();
                    headers += &format!("[{}]\n", keys.join("."));
                    headers += &self.body(&path, inner);
                }
                (Value::Table(inner), 1) if !inner.is_empty() => {
                    for (last, value) in inner {
                        let dotted = format!("{}.{}", self.key(key), self.key(last));
                        body += &format!("{dotted} = {}\n", self.value(value));
                    }
                }
                _ => body += &format!("{} = {}\n", self.key(key), self.value(value)),
            }
        }
        body + &headers
    }

    fn key(&mut self, name: &str) -> String {
        let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        match self.choose(3) {
            _ if name.contains(['\'', '"', '\\']) => Value::from(name).to_string(),
            0 if !name.is_empty() && name.bytes().all(is_bare) => name.to_owned(),
            1 => format!("\"{name}\""),
            _ => format!("'{name}'"),
        }
    }

    fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Table(table) => self.inline(table),
            Value::Array(array) => {
                let all: Vec<String> = array.iter().map(|one| self.value(one)).collect();
                match self.choose(2) {
                    0 => format!("[{}]", all.join(", ")),
                    _ => format!("[ # several lines\n    {},\n  ]", all.join(",\n    ")),
                }
            }
            Value::String(text) if text.contains(['\'', '"', '\\', '\n']) => value.to_string(),
            Value::String(text) => match self.choose(3) {
                0 => format!("'{text}'"),
                1 => format!("\"\"\"{text}\"\"\""),
                _ => format!("\"{text}\""),
            },
            other => other.to_string(),
        }
    }

    fn inline(&mut self, table: &Table) -> String {
        let keys = table.iter();
        let keys: Vec<String> = keys
            .map(|(key, value)| format!("{} = {}", self.key(key), self.value(value)))
            .collect();
        format!("{{ {} }}", keys.join(", "))
    }
}

fn document() -> Table {
    let mut document: Table = WHOLE.parse().unwrap();
    let limits = "idle_seconds = 20\nstreams = 50\n"
        .parse::<Table>()
        .unwrap();
    let server = document["server"].as_table_mut().unwrap();
    server.insert("limits".into(), limits.into());
    document
}

fn spell(document: &Table, choices: &[u8]) -> String {
    let mut speller = Speller {
        choices: choices.to_vec(),
        next: 0,
    };
    speller.document(document)
}

fn parse(text: &str) -> Result<Config, ConfigFileError> {
    let config = Config::parse_with(text, &["voice"])?;
    config.section::<Voice>("voice")?;
    drop(config.server_limits()?);
    Ok(config)
}

#[derive(Debug, Default, serde::Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Voice {
    folder: Option<String>,
}

/// The sections of applications in the examples of the book.
const OF_APPLICATIONS: [&str; 10] = [
    "admin",
    "budgets",
    "mcp",
    "metering",
    "model_rules",
    "prices",
    "speech",
    "transcriptions",
    "tts",
    "upstreams",
];

/// All examples of the book that are a whole file.
static EXAMPLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src");
    let folders = ["", "deploy", "how-to", "reference"].map(|folder| book.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let pages = files.map(|file| file.unwrap().path());
    let pages = pages.filter(|page| page.extension().is_some_and(|it| it == "md"));
    let examples = pages.flat_map(|page| examples(&fs::read_to_string(page).unwrap()));
    let whole = |text: &String| Config::parse_with(text, &OF_APPLICATIONS).is_ok();
    examples
        .filter(whole)
        .map(|text| text.parse().unwrap())
        .collect()
});

/// The blocks of TOML of a page.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("\n```toml").skip(1);
    let texts = blocks.filter_map(|block| Some(block.split_once('\n')?.1.split_once("\n```")?.0));
    texts.map(|text| format!("{text}\n")).collect()
}

#[test]
fn the_examples_of_the_book_have_every_section() {
    let missing = [
        "audit", "client", "inspect", "keys", "limits", "routes", "tokens",
    ];
    let missing = missing.map(|name| (name, EXAMPLES.iter().any(|all| all.contains_key(name))));
    assert!(missing.iter().all(|(_, is_there)| *is_there), "{missing:?}");
}

/// A change that makes the document wrong, and the key that is to be named.
type Mistake = (&'static str, fn(&mut Table));

const MISTAKES: [Mistake; 10] = [
    ("header", |all| {
        let header = Table::from_iter([("x".to_owned(), Value::from(1))]);
        all.insert("header".into(), header.into());
    }),
    ("server.hots", |all| {
        put(all, &["server", "hots"], "a".into())
    }),
    ("server.limits.idel_seconds", |all| {
        put(all, &["server", "limits", "idel_seconds"], 1.into());
    }),
    ("server.limits.streams", |all| {
        put(all, &["server", "limits", "streams"], 0.into())
    }),
    ("client.proxy", |all| {
        put(all, &["client", "proxy"], "a".into())
    }),
    ("headers.hsts_days", |all| {
        put(all, &["headers", "hsts_days"], "long".into())
    }),
    ("headers.preset", |all| {
        put(all, &["headers", "preset"], "bowser".into())
    }),
    ("limits.rates", |all| {
        put(all, &["limits", "rates"], "1/minute".into())
    }),
    ("routes.path", |all| put(all, &["routes", "path"], 1.into())),
    ("voice.folders", |all| {
        put(all, &["voice", "folders"], "a".into())
    }),
];

/// Puts a value; in an array of tables into the last table.
fn put(table: &mut Table, path: &[&str], value: Value) {
    let (first, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        table.insert((*first).to_owned(), value);
        return;
    }
    match &mut table[*first] {
        Value::Table(inner) => put(inner, rest, value),
        Value::Array(tables) => put(
            tables.last_mut().unwrap().as_table_mut().unwrap(),
            rest,
            value,
        ),
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_spelling_means_the_same(choices in prop::collection::vec(any::<u8>(), 1..200)) {
        let plain = parse(&toml::to_string(&document()).unwrap()).unwrap();
        let text = spell(&document(), &choices);
        let other = parse(&text).unwrap();
        prop_assert!(plain == other, "{}", text);
        prop_assert_eq!(plain.changes(&other), Vec::<String>::new());
        prop_assert_eq!(plain.server().unwrap(), other.server().unwrap());
        let voice = Voice { folder: Some("voices".into()) };
        prop_assert_eq!(other.section::<Voice>("voice").unwrap(), voice);
        prop_assert!(other.has(&["limits"]) && other.has(&["server", "redirect_to"]));
    }

    #[test]
    fn every_spelling_of_an_example_of_the_book_means_the_same(
        choices in prop::collection::vec(any::<u8>(), 1..200),
        example in 0..EXAMPLES.len(),
    ) {
        let document = &EXAMPLES[example];
        let read = |text: &str| Config::parse_with(text, &OF_APPLICATIONS);
        let plain = read(&toml::to_string(document).unwrap()).unwrap();
        let text = spell(document, &choices);
        let other = read(&text).unwrap();
        prop_assert!(plain == other, "{}", text);
    }

    #[test]
    fn every_spelling_of_a_mistake_gives_the_same_error(
        choices in prop::collection::vec(any::<u8>(), 1..200),
        mistake in 0..MISTAKES.len(),
    ) {
        let (key, make) = MISTAKES[mistake];
        let mut wrong = document();
        make(&mut wrong);
        let error_of = |text: &str| {
            let error = parse(text).expect_err(key);
            let line = error.line().expect("a line");
            let place = format!("configuration:{line}: ");
            (line, error.to_string().strip_prefix(&place).unwrap().to_owned())
        };
        let (_, plain) = error_of(&toml::to_string(&wrong).unwrap());
        prop_assert!(plain.starts_with(&format!("{key}: ")), "{}", plain);
        let text = spell(&wrong, &choices);
        let (line, other) = error_of(&text);
        prop_assert_eq!(plain, other, "{}", text);
        let last = key.rsplit('.').next().unwrap();
        let told_line = text.lines().nth(line - 1).unwrap();
        prop_assert!(told_line.contains(last), "{} is not in {:?} of\n{}", last, told_line, text);
    }
}
