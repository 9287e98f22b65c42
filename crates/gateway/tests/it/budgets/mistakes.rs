//! Mistakes in the sections of the budgets are told at start.

use std::fs;

use palisade_gateway::Settings;

/// A broken section, the key that the error names, and a part of its remedy.
const MISTAKES: [(&str, &str, &str); 22] = [
    (
        "[[budgets]]\nname = 'A b'",
        "budgets.name",
        "lower-case letters",
    ),
    (
        "[[budgets]]\nunit = 'token'",
        "budgets.unit",
        "did you mean `tokens`?",
    ),
    (
        "[[budgets]]\namount = 0",
        "budgets.amount",
        "a whole number",
    ),
    (
        "[[budgets]]\namount = -1",
        "budgets.amount",
        "a whole number",
    ),
    (
        "[[budgets]]\namount = '5'",
        "budgets.amount",
        "a whole number",
    ),
    ("[[budgets]]\nunit = 'money'", "budgets.unit", "[[prices]]"),
    (
        "[[budgets]]\nunit = 'money'\namount = 2.5\n[[prices]]\nmodels = ['*']\ninput = '1'\noutput = '1'",
        "budgets.amount",
        "as text",
    ),
    ("[[budgets]]\nwindow = 'week'", "budgets.window", "`month`"),
    (
        "[[budgets]]\ntime_zone = 'Berlin'",
        "budgets.time_zone",
        "IANA",
    ),
    (
        "[[budgets]]\nwindow = 'hour'\ntime_zone = 'UTC'",
        "budgets.time_zone",
        "remove the key",
    ),
    ("[[budgets]]\nby = 'key'", "budgets.by", "`principal`"),
    ("[[budgets]]\nby = 'model'", "budgets.by", "add `models"),
    ("[[budgets]]\nmodels = ['']", "budgets.models", "any text"),
    (
        "[[budgets]]\nmodel = ['a']",
        "budgets.model",
        "did you mean `models`?",
    ),
    (
        "[[budgets]]\n[[budgets]]\n",
        "budgets.name",
        "a name of its own",
    ),
    (
        "[[prices]]\nmodels = ['a']\ninput = '1'\noutput = '1'",
        "prices.models",
        "[[budgets]]",
    ),
    (
        "[[budgets]]\n[[prices]]\nmodels = ['a']\ninput = '1e3'\noutput = '1'",
        "prices.input",
        "\"2.50\"",
    ),
    (
        "[[model_rules]]\nowners = ['a']",
        "model_rules.models",
        "max_tokens",
    ),
    (
        "[[model_rules]]\nmax_tokens = 0",
        "model_rules.max_tokens",
        "1 to",
    ),
    (
        "[[model_rules]]\nmax_tokens = 5\npath = 'v1'",
        "model_rules.path",
        "/v1",
    ),
    (
        "[[budgets]]\n[metering]\nmax_body_kib = 0",
        "metering.max_body_kib",
        "1 to 65536",
    ),
    (
        "[[budgets]]\n[metering]\noutput_field = 'max'",
        "metering.output_field",
        "max_tokens",
    ),
];

#[test]
fn a_mistake_is_told_with_line_key_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let head = "[server]\nhosts = ['localhost:*']\n[[routes]]\npath = '/'\naccess = 'public'\n\
                [[upstreams]]\nurl = 'http://127.0.0.1:1'\n";
    for (broken, key, remedy) in MISTAKES {
        let mut parts = broken.split("[[budgets]]\n");
        let mut file = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            file += &format!("[[budgets]]\n{}", with_defaults(part));
        }
        fs::write(&path, format!("{head}{file}")).unwrap();
        let problem = Settings::read(&path).unwrap_err().to_string();
        let place = problem.strip_prefix(&format!("{}:", path.display()));
        assert!(
            place.is_some_and(|place| place.as_bytes()[0].is_ascii_digit()),
            "{problem}"
        );
        assert!(
            problem.contains(&format!(": {key}: ")),
            "{broken}: {problem}"
        );
        assert!(problem.contains(remedy), "{broken}: {problem}");
    }
}

/// Adds the keys of a budget that the text after its head does not have.
fn with_defaults(part: &str) -> String {
    let section = part.split("[[").next().unwrap_or_default();
    let defaults = [
        ("name", "'a'"),
        ("unit", "'tokens'"),
        ("amount", "5"),
        ("window", "'day'"),
    ];
    let is_there = |key: &str| {
        section
            .lines()
            .any(|line| line.starts_with(&format!("{key} =")))
    };
    let missing = defaults.iter().filter(|(key, _)| !is_there(key));
    let missing: String = missing
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect();
    format!("{missing}{part}")
}
