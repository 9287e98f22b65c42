//! Each mistake in a file is named with line, key and remedy.

use std::fs;

use palisade::config::Config;

use crate::config::{Voice, WHOLE, folder, read};

/// Replaces a part of the whole file, and checks what is said about it.
fn check(old: &str, new: &str, line_and_key: &str, said: &str) {
    assert!(WHOLE.contains(old), "{old} is not in the file");
    let folder = folder(&WHOLE.replacen(old, new, 1));
    let problem = read(&folder).and_then(|config| {
        config.server()?;
        config.section::<Voice>("voice")?;
        config.assemble()
    });
    let problem = problem.map(|_| ()).expect_err(new).to_string();
    let expected = format!("palisade.toml:{line_and_key}: ");
    assert!(
        problem.contains(&expected),
        "{new:?} should be at {expected}\n{problem}"
    );
    assert!(problem.contains(said), "{said} is not in\n{problem}");
    assert_eq!(problem.lines().count(), 1, "one line: {problem}");
}

#[test]
fn a_mistake_is_named_with_line_key_and_remedy() {
    check("[headers]", "[header]", "15: header", "the sections are");
    check("proxies =", "proxy =", "12: client.proxy", "unknown field");
    check(
        "header =",
        "haeder =",
        "13: client.haeder",
        "did you mean `header`?",
    );
    check(
        "[headers]",
        "[header]",
        "15: header",
        "did you mean `headers`?",
    );
    check(
        "\"browser\"",
        "\"bowser\"",
        "16: headers.preset",
        "did you mean `browser`?",
    );
    check(
        "redirect_to = \"voice.example\"\n",
        "",
        "8: server.redirect",
        "add redirect_to",
    );
    check(
        "rate = \"60/minute\"\n",
        "",
        "36: limits.rate",
        "missing field",
    );
    check(
        "\"10.0.0.0/8\"",
        "\"10.0.0.0/33\"",
        "12: client.proxies",
        "10.0.0.0/8",
    );
    check(
        "header = \"X-Forwarded-For\"\n",
        "",
        "11: client.header",
        "x-forwarded-for",
    );
    check(
        "hsts_days = 730",
        "hsts_days = 7",
        "17: headers.hsts_days",
        "365 or more",
    );
    check(
        "hsts_days = 730",
        "hsts_days = \"long\"",
        "17: headers.hsts_days",
        "invalid type",
    );
    check(
        "\"browser\"",
        "\"bowser\"",
        "16: headers.preset",
        "unknown variant",
    );
    check(
        "\"fail-closed\"",
        "\"maybe\"",
        "21: audit.policy",
        "unknown variant",
    );
    check(
        "policy = \"fail-closed\"\n",
        "",
        "23: audit.before_handler",
        "fail-closed",
    );
    check(
        "\"audit.jsonl\"",
        "\"no/such/folder/a\"",
        "20: audit.file",
        "folder",
    );
    check(
        "seal_key = \"seal\"",
        "seal_key = \"none\"",
        "22: audit.seal_key",
        "key",
    );
    check(
        "\"keys.toml\"",
        "\"none.toml\"",
        "27: keys.file",
        "palisade key new",
    );
    check(
        "pepper = \"pepper\"",
        "pepper = \"none\"",
        "28: keys.pepper",
        "palisade key new",
    );
    check(
        "[\"live\"]",
        "[\"prod\"]",
        "29: keys.environments",
        "\"live\" or \"test\"",
    );
    check(
        "jwks_file = \"jwks.json\"\n",
        "",
        "32: tokens.issuer",
        "one of jwks_file",
    );
    let with = |line: &str| format!("jwks_file = \"jwks.json\"\n{line}");
    let check_tokens = |line: &str, place: &str, says: &str| {
        check("jwks_file = \"jwks.json\"", &with(line), place, says);
    };
    check_tokens("algorithms = [\"none\"]", "35: tokens.algorithms", "RS256");
    for key in ["oauth_metadata", "dangerously_allow_loopback_http"] {
        let place = format!("35: tokens.{key}");
        check_tokens(&format!("{key} = true"), &place, "nothing is fetched");
    }
    check_tokens("discovery = true", "32: tokens.issuer", "one of jwks_file");
    check_tokens(
        "preset = { name = \"okra\" }",
        "35: tokens.preset",
        "no preset",
    );
    check_tokens(
        "preset = { name = \"auth0\" }",
        "35: tokens.preset",
        "domain",
    );
    check_tokens(
        "preset = { name = \"auth0\", domain = \"a.example\", realm = \"b\" }",
        "35: tokens.preset",
        "no argument",
    );
    check_tokens(
        "preset = { name = \"auth0\", domain = \"a.example\" }",
        "32: tokens.issuer",
        "https://a.example/",
    );
    check_tokens(
        "audience_claim = \"azp\"",
        "32: tokens.issuer",
        "require_value",
    );
    check_tokens(
        "[revoked_tokens]\nfile = \"none.json\"",
        "36: revoked_tokens.file",
        "palisade token revoke",
    );
    check(
        "environments = [\"live\"]",
        "max_stale_minutes = 0",
        "29: keys.max_stale_minutes",
        "1 to 10080",
    );
    check(
        "jwks_file = \"jwks.json\"",
        "jwks_file = \"jwks.json\"\nmax_lifetime_minutes = 0",
        "35: tokens.max_lifetime_minutes",
        "number of minutes",
    );
    check(
        "60/minute",
        "60 per fortnight",
        "38: limits.rate",
        "10/minute",
    );
    check(
        "by = \"principal\"",
        "by = \"moon\"",
        "43: limits.by",
        "unknown variant",
    );
    check(
        "by = \"principal\"",
        "ipv6_prefix = 129",
        "43: limits.ipv6_prefix",
        "from 1 to 128",
    );
    check(
        "limits = [\"tts\"]",
        "limits = \"all\"",
        "54: routes.limits",
        "\"none\"",
    );
    check("= 300", "= 0", "47: text.max_graphemes", "at least 1");
    check(
        "max_graphemes = 300",
        "compressed = [\"gzip\", \"deflate\"]",
        "47: text.compressed",
        "gzip, br or zstd",
    );
    check(
        "max_graphemes = 300",
        "mask_responses = [\"phone\", \"shoe-size\"]",
        "47: text.mask_responses",
        "or \"all\"",
    );
    check(
        "access = \"public\"",
        "access = \"open\"",
        "59: routes.access",
        "\"public\"",
    );
    check(
        "\"GET\", \"post\"",
        "\"GET\", \"get\"",
        "51: routes.path",
        "/voices/{id}",
    );
    check(
        "127.0.0.1:8443",
        "localhost",
        "3: server.https",
        "0.0.0.0:443",
    );
    check(
        "key = \"key.pem\"\n",
        "",
        "6: server.certificate",
        "add key",
    );
    check(
        "\"*.voice.example\"",
        "\"http://x\"",
        "5: server.hosts",
        "api.example.com",
    );
    check(
        "folder = \"voices\"",
        "folders = \"voices\"",
        "62: voice.folders",
        "unknown field",
    );
}

#[test]
fn invalid_toml_is_an_error_with_its_line() {
    check("[text]", "[text", "46", "palisade.toml");
}

#[test]
fn quoted_values_do_not_break_the_error_line() {
    for text in [
        "[\"line\\nbreak\"]",
        "[\"\\u001b[2J\"]",
        "[server]\rhosts = 1",
    ] {
        let problem = Config::parse(text).unwrap_err().to_string();
        assert!(!problem.contains(char::is_control), "{problem:?}");
    }
}

#[test]
fn a_missing_file_is_an_error_of_one_line() {
    let problem = Config::read("no/such/palisade.toml")
        .unwrap_err()
        .to_string();
    assert!(
        problem.starts_with("no/such/palisade.toml: cannot be read"),
        "{problem}"
    );
    assert_eq!(problem.lines().count(), 1);
}

#[test]
fn a_folder_a_pipe_or_a_huge_file_is_an_error_and_does_not_block() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: std::path::PathBuf| Config::read(path).unwrap_err().to_string();
    assert!(error(folder.path().to_owned()).contains("not a regular file"));
    let pipe = folder.path().join("pipe");
    let created = std::process::Command::new("mkfifo").arg(&pipe).status();
    if created.is_ok_and(|status| status.success()) {
        assert!(error(pipe).contains("not a regular file"));
    }
    let huge = folder.path().join("huge.toml");
    fs::write(&huge, "#".repeat(2 * 1024 * 1024)).unwrap();
    assert!(error(huge).contains("larger than"), "a bounded read");
}

#[test]
fn without_hosts_there_is_no_stack() {
    let problem = Config::parse("")
        .unwrap()
        .assemble()
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("server.hosts") && problem.contains("api.example.com"),
        "{problem}"
    );
}
