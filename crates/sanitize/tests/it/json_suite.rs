//! JSONTestSuite by Nicolas Seriot, if it is beside the project: valid documents pass unchanged, all others
//! are refused.

use std::fs;
use std::path::PathBuf;

use palisade_sanitize::{
    Action, Class, Field, Normalization, SanitizeLayer, Sanitizer, Whitespace,
};

use crate::support::{ask_built, json};

/// Valid JSON that is refused on purpose: a name occurs twice, and parsers differ in which one they use.
const REFUSED_ON_PURPOSE: [&str; 2] = [
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
];

/// A layer that reads every string and changes none.
fn reading_all() -> SanitizeLayer {
    let mut keeping = Sanitizer::builder()
        .normalization(Normalization::None)
        .whitespace(Whitespace::Keep)
        .min_graphemes(0);
    for class in Class::ALL {
        keeping = keeping.class(class, Action::Keep);
    }
    let field = Field::optional("/**", keeping.build().unwrap()).skip_other_types();
    SanitizeLayer::builder()
        .field(field)
        .max_body(1 << 20)
        .build()
        .unwrap()
}

#[tokio::test]
async fn valid_json_passes_unchanged_and_all_else_is_refused() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/fetched/JSONTestSuite/test_parsing");
    let Ok(files) = fs::read_dir(folder) else {
        eprintln!("SKIPPED: JSONTestSuite is not here");
        return;
    };
    let layer = reading_all();
    let mut counts = [0; 3];
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let body = fs::read(&path).unwrap();
        let outcome = ask_built(layer.clone(), json(body.clone())).await;
        let status = outcome.status.as_u16();
        let passed = status == 200 && outcome.body == body;
        let refused = (400..500).contains(&status);
        let kind = name.as_bytes()[0];
        let right = match kind {
            b'y' if REFUSED_ON_PURPOSE.contains(&&*name) => refused,
            b'y' => passed,
            // An empty body has no field, and nothing for a handler to read.
            b'n' => refused || body.is_empty(),
            _ => status < 500,
        };
        assert!(right, "{name}: {status}");
        counts[match kind {
            b'y' => 0,
            b'n' => 1,
            _ => 2,
        }] += 1;
    }
    assert!(
        counts[0] >= 95 && counts[1] >= 180 && counts[2] >= 30,
        "{counts:?}"
    );
}
