//! Ordinary requests: forms, the JSON of five APIs, prose in two scripts, code, Markdown, Base64, URLs.
//!
//! The shipped rules refuse none of them. With `PALISADE_CRS_FOLDER`, the Core Rule Set is counted at each
//! paranoia level, with and without the fields of a person's text.

use palisade_inspect::{PersonText, RequestView, RuleSet};
use serde_json::{Value, json};

/// Texts that people send, and what they are.
const TEXTS: [&str; 20] = [
    "Hello! Could you tell me what the weather will be like in Lisbon tomorrow?",
    "Please select a few books from the list and order them by date, where the price is under 20.",
    "今天天气很好，我们去公园玩吧。你觉得怎么样？",
    "请把下面的句子翻译成英文：他说：“我明天不来了”；然后他走了。",
    "How do I write `SELECT name FROM users WHERE id = 1 ORDER BY name` in an ORM?",
    "fn main() {\n    let x = vec![1, 2, 3];\n    println!(\"{:?}\", x.iter().map(|n| n * 2).collect::<Vec<_>>());\n}",
    "def add(a, b):\n    return a + b\n\nif __name__ == '__main__':\n    print(add(1, 2))",
    "# Notes\n\n* first; second\n* [a link](https://example.org/a?b=c&d=e)\n\n> quoted -- text\n\n```sh\nls -la | grep x\n```",
    "<p>This is a <b>bold</b> paragraph with a <a href=\"/x\">link</a>.</p>",
    "It's 5 o'clock; she said \"don't\" -- and left (again).",
    "Run `curl -s https://example.org | jq .name` and tell me what it prints.",
    "The union of two sets, and the intersection; drop the duplicates.",
    "Price: $1,299.00 (was $1,499.00) & free shipping!",
    "user@example.org wrote on 2026-01-02 at 10:30: meeting moved to room 4/12",
    "const f = async (x) => { await fetch(`/api/${x}`); return x ?? null; };",
    "Why does C:\\Windows\\System32 contain so many files?",
    "Ein Satz mit Umlauten: äöüß, und Grüße aus Köln!",
    "1+1=2, 2*3=6, a<b and c>d, x|y, 50% off",
    "Je voudrais réserver une table pour deux personnes à l'hôtel, s'il vous plaît.",
    "rm -rf build/ && make -j4 # rebuild everything",
];

const BASE64: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// One request with its body.
struct Ordinary {
    target: String,
    content_type: &'static str,
    body: String,
}

/// The requests: each text in each kind, with numbers that vary.
fn requests() -> Vec<Ordinary> {
    let mut all = Vec::new();
    for round in 0..10 {
        for (index, text) in TEXTS.iter().enumerate() {
            let number = round * TEXTS.len() + index;
            all.extend(
                json_requests(text, number)
                    .into_iter()
                    .map(|(target, body)| Ordinary {
                        target,
                        content_type: "application/json",
                        body: body.to_string(),
                    }),
            );
            let form: String = form_urlencode(text);
            all.push(Ordinary {
                target: format!("/contact/{number}"),
                content_type: "application/x-www-form-urlencoded",
                body: format!("text={form}&name=Lin+{number}&email=lin%40example.org"),
            });
            all.push(Ordinary {
                target: format!("/search?q=item+{number}&page={round}&sort=price"),
                content_type: "",
                body: String::new(),
            });
        }
    }
    all
}

/// The same text as five APIs take it, and a picture and a link.
fn json_requests(text: &str, number: usize) -> Vec<(String, Value)> {
    vec![
        (
            "/v1/chat/completions".into(),
            json!({"model": "m-1", "temperature": 0.5, "messages": [
            {"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]}),
        ),
        (
            "/v1/responses".into(),
            json!({"model": "m-1", "input": text, "max_output_tokens": number}),
        ),
        (
            "/v1/messages".into(),
            json!({"model": "m-1", "max_tokens": 100, "messages": [
            {"role": "user", "content": [{"type": "text", "text": text}]}]}),
        ),
        (
            "/api/generate".into(),
            json!({"model": "m:7b", "prompt": text, "stream": false}),
        ),
        (
            "/v1/audio/speech".into(),
            json!({"model": "tts", "voice": "lin", "input": text, "speed": 1.0}),
        ),
        (
            "/v1/images".into(),
            json!({"id": number, "image": format!("data:image/png;base64,{BASE64}")}),
        ),
        (
            format!("/items/{number}"),
            json!({"title": format!("Item {number}"), "tags": ["a", "b"],
            "link": "https://example.org/items?id=4&lang=en", "text": text}),
        ),
        (
            "/events".into(),
            json!({"type": "click", "at": "2026-01-02T10:30:00Z", "id": "3f2b8c1e-7d7e-4c57-9f0a-2f6f2f1c2a55"}),
        ),
    ]
}

/// Encodes a text for a form.
fn form_urlencode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// How many of the requests a set of rules refuses.
fn refused(rules: &RuleSet, fields: &PersonText) -> usize {
    let refuses = |ordinary: &&Ordinary| {
        let length = ordinary.body.len().to_string();
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b"Host", b"api.example.org"),
            (
                b"User-Agent",
                b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            ),
            (b"Accept", b"application/json"),
        ];
        let method: &[u8] = if ordinary.body.is_empty() {
            b"GET"
        } else {
            b"POST"
        };
        if !ordinary.body.is_empty() {
            headers.push((b"Content-Type", ordinary.content_type.as_bytes()));
            headers.push((b"Content-Length", length.as_bytes()));
        }
        let request = RequestView {
            method,
            target: ordinary.target.as_bytes(),
            headers,
            body: ordinary.body.as_bytes(),
            ..RequestView::default()
        };
        rules
            .inspect_person_text(&request, None, fields)
            .is_refused()
    };
    requests().iter().filter(refuses).count()
}

#[test]
fn the_shipped_rules_refuse_no_ordinary_request() {
    let rules = RuleSet::shipped().expect("the rules load");
    assert_eq!(refused(&rules, &PersonText::default()), 0);
}

#[test]
fn a_person_may_write_about_code() {
    let Some(folder) = std::env::var_os("PALISADE_CRS_FOLDER") else {
        eprintln!("PALISADE_CRS_FOLDER is not set: the Core Rule Set is not here.");
        return;
    };
    let all = requests().len();
    for level in 1..=4 {
        let rules = RuleSet::builder(&folder)
            .paranoia(level)
            .load()
            .expect("the rules load");
        let (without, with) = (
            refused(&rules, &PersonText::default()),
            refused(&rules, &PersonText::chat()),
        );
        println!(
            "paranoia {level}: of {all} ordinary requests {without} are refused, {with} with the fields of text"
        );
        assert!(with <= without);
        if level == 1 {
            assert_eq!(with, 0);
        }
    }
}
