//! The configuration: no text makes it panic, from parsing to the finished stack, and every complaint is one
//! line about a line that is there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade::config::{Config, ConfigFileError};
use palisade::Rules;

/// The sections that name no file.
const WITHOUT_FILES: [&str; 6] = ["client", "headers", "limits", "routes", "server", "text"];

fuzz_target!(|text: &str| {
    if let Err(problem) = run(text) {
        let line = problem.to_string();
        assert!(!line.contains(['\n', '\r']), "{line:?}");
        let lines = text.matches('\n').count() + 1;
        assert!(
            problem
                .line()
                .is_none_or(|line| (1..=lines).contains(&line)),
            "{line}"
        );
    }
});

fn run(text: &str) -> Result<(), ConfigFileError> {
    let config = Config::parse(text)?;
    let own = config.key_error("routes", "path", "wrong", "write another");
    assert!(own.to_string().starts_with("configuration"));
    config
        .section::<toml::Table>("routes")
        .map(drop)
        .or_else(|problem| match problem.line() {
            Some(_) => Ok(()),
            None => Err(problem),
        })?;
    config.server()?;
    let sections: toml::Table = toml::from_str(text).expect("it was parsed");
    if !sections
        .keys()
        .all(|name| WITHOUT_FILES.contains(&name.as_str()))
    {
        return Ok(());
    }
    let parts = config.assemble()?;
    if let Ok(shield) = parts.shield.rules(Rules::new()).build() {
        assert!(!shield.explain().is_empty());
    }
    Ok(())
}
