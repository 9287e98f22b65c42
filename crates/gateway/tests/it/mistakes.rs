//! Broken configurations: each is an error with line, key and remedy.

use std::fs;

use palisade_gateway::Settings;

const HEAD: &str =
    "[server]\nhosts = ['localhost:*']\n[[routes]]\npath = '/{*path}'\naccess = 'public'\n";

/// Keys of an upstream after a good address, with ` | ` for the end of a line; the key that is wrong; a
/// part of the remedy.
const UPSTREAM_KEYS: &str = r#"
path = 'v1' => upstreams.path; write a prefix
path = '/a/../b' => upstreams.path; without dots
path = '/{*path}' => upstreams.path; stars
path = 5 => upstreams.path; correct or remove it
hosts = ['a.example:443'] => upstreams.hosts; without port
hosts = ['*.example'] => upstreams.hosts; without port, path and star
hosts = [''] => upstreams.hosts; voice.example
host = 'a b' => upstreams.host; "as-sent"
host_header = 'client' => upstreams.host_header; correct or remove it
hoost = 'as-sent' => upstreams.hoost; did you mean `host`?
http = '3' => upstreams.http; "2" for HTTP/2
http = '2' | host = 'as-sent' => upstreams.host; write "upstream" or a name
http = '2' | upgrade = ['websocket'] => upstreams.upgrade; http = "1"
upgrade = ['h2c'] => upstreams.upgrade; ["websocket"]
upgrade = 'websocket' => upstreams.upgrade; correct or remove it
origin = 'page.example' => upstreams.origin; http://localhost:8188
origin = 'http://a/b' => upstreams.origin; "remove"
connect_timeout_seconds = 0 => upstreams.connect_timeout_seconds; 1 to 86400
response_timeout_seconds = 0 => upstreams.response_timeout_seconds; 1 to 86400
idle_timeout_seconds = 86401 => upstreams.idle_timeout_seconds; 1 to 86400
total_timeout_seconds = -1 => upstreams.total_timeout_seconds; correct or remove it
response_timeout = 5 => upstreams.response_timeout; correct or remove it
retries = 4 => upstreams.retries; write 0 to 3
trailers = ['a b'] => upstreams.trailers; letters, digits and hyphens
hide_errors = 'yes' => upstreams.hide_errors; correct or remove it
[upstreams.tls] => upstreams.url; https://
[upstreams.health] | path = 'health' => upstreams.health.path; "/health"
[upstreams.health] | interval_seconds = 5 => upstreams.health.path; correct or remove it
[upstreams.health] | path = '/' | unhealthy_after = 0 => upstreams.health.unhealthy_after; write 1 to 1000
[upstreams.breaker] | failures = 0 => upstreams.breaker.failures; write 1 to 1000
[upstreams.breaker] | open_secs = 5 => upstreams.breaker.open_secs; did you mean `open_seconds`?
[upstreams.credential] | header = 'X-Key' => upstreams.credential; name one `file`
[upstreams.credential] | file = 'nothing' => upstreams.credential.file; name one `file`
[upstreams.credential] | file = 'short' => upstreams.credential.file; with the secret alone in it
[upstreams.credential] | environment = 'PALISADE_TEST_NOT_SET' => upstreams.credential.environment; `environment`
[upstreams.credential] | environment = '0123456789abcdef' => upstreams.credential.environment; `environment`
credential = '0123456789abcdef' => upstreams.credential; correct or remove it
credential = 12345678 => upstreams.credential; correct or remove it
identity = ['0123456789abcdef'] => upstreams.identity; correct or remove it
[upstreams.identity] | file = 'secret' => upstreams.identity.file; name one `file`
[upstreams.request_headers] | set = { Content-Length = '5' } => upstreams.request_headers.set.Content-Length; remove it
[upstreams.credential] | file = 'secret' | header = 'Transfer-Encoding' => upstreams.credential.header; remove it
[upstreams.response_headers] | remove = ['Connection'] => upstreams.response_headers.remove; remove it
trailers = ['X-Forwarded-For'] => upstreams.trailers; remove it
trailers = ['grpc-status', 'X-Palisade-Principal'] => upstreams.trailers; remove it
trailers = ['Content-Length'] => upstreams.trailers; remove it
[upstreams.websocket] => upstreams.websocket; upgrade = ["websocket"]
upgrade = ['websocket'] | [upstreams.websocket] | most = 0 => upstreams.websocket.most; write 1 to 100000
upgrade = ['websocket'] | [upstreams.websocket] | most_per_client = 100001 => upstreams.websocket.most_per_client; write 1 to 100000
upgrade = ['websocket'] | [upstreams.websocket] | max_bytes = 0 => upstreams.websocket.max_bytes; 1 or more
"#;

/// Whole sections of upstreams, in the same form.
const SECTIONS: &str = r#"
url = '127.0.0.1:5000' => upstreams.url; http://HOST:PORT
url = 'http://127.0.0.1:5000/api' => upstreams.url; without a path
url = 'ftp://a' => upstreams.url; https://HOST
url = 'unix:up.sock' => upstreams.url; unix:/PATH
path = '/v1' => upstreams.url; [[upstreams.servers]]
url = 'http://a' | [[upstreams.servers]] | url = 'http://b' => upstreams.url; a server of its own
[[upstreams.servers]] | url = 'http://b' | weight = 0 => upstreams.servers.weight; write 1 to 100
[[upstreams.servers]] | url = 'b' => upstreams.servers.url; http://HOST:PORT
[[upstreams.servers]] | weight = 5 => upstreams.servers.url; correct or remove it
url = 'https://a' | [upstreams.tls] | ca = 'nothing.pem' => upstreams.url; PEM file
url = 'https://a' | [upstreams.tls] | ca = 'secret' => upstreams.url; PEM file
url = 'https://a' | [upstreams.tls] | certificate = 'a.pem' => upstreams.tls.certificate; write both
url = 'unix:////' => upstreams.url; unix:/PATH
url = 'unix:/run/' => upstreams.url; unix:/PATH
url = 'unix:' => upstreams.url; unix:/PATH
"#;

/// Budgets of speech and the admin section, after a good upstream.
const OTHERS: &str = r#"
[[budgets]] | name = 'a' | unit = 'characters' | amount = 5 | window = 'day' => budgets.unit; [[speech]]
[[budgets]] | name = 'a' | unit = 'audio' | amount = 5 | window = 'day' => budgets.unit; audio_seconds
[[budgets]] | name = 'a' | unit = 'requests' | amount = 5 | window = 'day' | [[speech]] | path = 'tts' => speech.path; "/tts"
[[budgets]] | name = 'a' | unit = 'requests' | amount = 5 | window = 'day' | [[speech]] | path = '/tts' | text = '' => speech.text; "text"
[[budgets]] | name = 'a' | unit = 'requests' | amount = 5 | window = 'day' | [[speech]] | path = '/tts' | milliseconds_per_character = 0 => speech.milliseconds_per_character; 1 to 60000
[[budgets]] | name = 'a' | unit = 'requests' | amount = 5 | window = 'day' | [[speech]] | path = '/tts' | price = 1.5 => speech.price; as text
[[speech]] | path = '/tts' => speech.path; [[budgets]]
[[transcriptions]] | path = '/t' => transcriptions.path; [[budgets]]
[[budgets]] | name = 'a' | unit = 'requests' | amount = 5 | window = 'day' | [[transcriptions]] | path = 't' => transcriptions.path; "/v1/audio/transcriptions"
[[budgets]] | name = 'a' | unit = 'audio_seconds' | amount = 5 | window = 'day' | [[transcriptions]] | path = '/t' | bytes_per_second = 0 => transcriptions.bytes_per_second; 1 to 1000000
[[budgets]] | name = 'a' | unit = 'audio_seconds' | amount = 5 | window = 'day' | [[transcriptions]] | path = '/t' | price_per_minute = 1.5 => transcriptions.price_per_minute; as text
[[budgets]] | name = 'a' | unit = 'characters' | amount = 5 | window = 'day' | [[transcriptions]] | path = '/t' => budgets.unit; [[speech]]
[[mcp]] | path = 'mcp' => mcp.path; "/mcp"
[[mcp]] | path = '/mcp' | methods = [''] => mcp.methods; 1 to 128
[[mcp]] | path = '/mcp' | max_body_kib = 0 => mcp.max_body_kib; 1 to 65536
[[mcp]] | path = '/mcp' | [[mcp.tools]] | name = '' => mcp.tools.name; 1 to 128
[admin] | page = '0.0.0.0:9092' => admin.page; 127.0.0.1:9092
[admin] | page = 'localhost:9092' => admin.page; 127.0.0.1:9092
[admin] | page = '127.0.0.1' => admin.page; 127.0.0.1:9092
"#;

/// Reads a file with this text after [`HEAD`]. Returns the error, without the name of the file.
fn problem(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "0123456789abcdef").unwrap();
    fs::write(folder.path().join("short"), "abc").unwrap();
    let path = folder.path().join("gateway.toml");
    fs::write(&path, format!("{HEAD}{text}\n")).unwrap();
    let problem = Settings::read(&path).unwrap_err().to_string();
    let name = format!("{}:", path.display());
    let rest = problem.strip_prefix(&name);
    rest.unwrap_or_else(|| panic!("no file is named: {problem}"))
        .to_owned()
}

/// The error is at the last line that has the key, and says what to do.
fn check(text: &str, key: &str, remedy: &str) {
    let problem = problem(text);
    let (line, rest) = problem.split_once(": ").unwrap();
    let number: usize = line
        .parse()
        .unwrap_or_else(|_| panic!("no line: {problem}"));
    let whole = format!("{HEAD}{text}");
    assert!(number <= whole.lines().count(), "{text}: {problem}");
    assert!(number > HEAD.lines().count(), "{text}: {problem}");
    let start = format!("{key}: ");
    assert!(rest.starts_with(&start), "{text}: {problem}");
    let (said, help) = rest.strip_prefix(&start).unwrap().split_once("; ").unwrap();
    assert!(!said.is_empty(), "{text}: {problem}");
    assert!(help.contains(remedy), "{text}: {problem}");
    assert!(!problem.contains('\n'), "{text}: {problem}");
    // Values of secrets are never shown.
    assert!(!problem.contains("12345678"), "{text}: {problem}");
}

/// Returns the rows of a table.
fn rows(table: &str) -> impl Iterator<Item = (String, &str, &str)> {
    table.lines().filter(|line| !line.is_empty()).map(|line| {
        let (text, rest) = line.split_once(" => ").unwrap();
        let (key, remedy) = rest.split_once("; ").unwrap();
        (text.replace(" | ", "\n"), key, remedy)
    })
}

#[test]
fn every_wrong_key_of_an_upstream_is_told_with_line_and_remedy() {
    for (keys, key, remedy) in rows(UPSTREAM_KEYS) {
        let upstream = format!("[[upstreams]]\nurl = 'http://127.0.0.1:1'\n{keys}");
        check(&upstream, key, remedy);
    }
    for (section, key, remedy) in rows(SECTIONS) {
        check(&format!("[[upstreams]]\n{section}"), key, remedy);
    }
    for (sections, key, remedy) in rows(OTHERS) {
        let upstream = format!("[[upstreams]]\nurl = 'http://127.0.0.1:1'\n{sections}");
        check(&upstream, key, remedy);
    }
}

#[test]
fn the_second_upstream_is_told_apart_from_the_first() {
    let good = "[[upstreams]]\nurl = 'http://127.0.0.1:1'\nretries = 1\n";
    let problem = problem(&format!(
        "{good}[[upstreams]]\nurl = 'http://127.0.0.1:2'\nretries = 9"
    ));
    assert!(problem.starts_with("11: upstreams.retries: "), "{problem}");
}

#[test]
fn a_misspelled_section_is_told_with_the_nearest_name() {
    let problem = problem("[[upstream]]\nurl = 'http://127.0.0.1:1'");
    assert!(problem.contains("did you mean `upstreams`?"), "{problem}");
}
