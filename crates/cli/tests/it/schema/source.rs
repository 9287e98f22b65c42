//! Reads structs and enums from Rust source as `rustfmt` writes it: one field a line, attributes and
//! comments on lines of their own.

use serde_json::{Map, Value, json};

/// A struct or an enum.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: String,
    attributes: String,
    comment: String,
    is_enum: bool,
    members: Vec<Member>,
}

/// A field, or a variant.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    /// Empty for a variant without a value.
    kind: String,
    attributes: String,
    comment: String,
}

/// Returns the structs and enums of a file.
pub(super) fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let (mut attributes, mut comment) = (String::new(), String::new());
    let mut is_inside = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim();
        if let Some(words) = code.strip_prefix("///") {
            comment.push_str(words.trim());
            comment.push('\n');
        } else if code.starts_with("#[") {
            let mut whole = code.to_owned();
            while whole.matches('[').count() > whole.matches(']').count() {
                whole.push_str(lines.next().unwrap().trim());
            }
            attributes.push_str(&whole);
        } else if let Some((is_enum, name)) = head(code) {
            items.push(Item {
                name: name.split('<').next().unwrap().to_owned(),
                attributes: std::mem::take(&mut attributes),
                comment: std::mem::take(&mut comment),
                is_enum,
                members: Vec::new(),
            });
            is_inside = true;
        } else if line == "}" {
            is_inside = false;
        } else if is_inside && let Some(member) = member(code) {
            let (name, kind) = member;
            items.last_mut().unwrap().members.push(Member {
                name,
                kind,
                attributes: std::mem::take(&mut attributes),
                comment: std::mem::take(&mut comment),
            });
        } else {
            attributes.clear();
            comment.clear();
        }
    }
    for item in &mut items {
        // With a `Deserialize` of its own it reads its fields, and no others.
        if text.contains(&format!("Deserialize<'de> for {} {{", item.name)) {
            let read = "#[derive(Deserialize)]#[serde(deny_unknown_fields)]";
            item.attributes.push_str(read);
        }
    }
    items
}

/// Whether a line begins a struct or an enum with members, and its name.
fn head(code: &str) -> Option<(bool, &str)> {
    let code = without_visibility(code).strip_suffix(" {")?;
    let structure = code.strip_prefix("struct ").map(|name| (false, name));
    structure.or_else(|| code.strip_prefix("enum ").map(|name| (true, name)))
}

fn without_visibility(code: &str) -> &str {
    match code.strip_prefix("pub") {
        None => code,
        Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or(code, |(_, rest)| rest),
        Some(rest) => rest.trim_start(),
    }
}

/// Name and type of a field or a variant.
fn member(code: &str) -> Option<(String, String)> {
    let code = without_visibility(code).strip_suffix(',')?;
    if let Some((name, kind)) = code.split_once(": ") {
        return Some((name.trim_start_matches("r#").to_owned(), kind.to_owned()));
    }
    match code.split_once('(') {
        Some((name, kind)) => Some((name.to_owned(), kind.strip_suffix(')')?.to_owned())),
        None => Some((code.to_owned(), String::new())),
    }
}

/// The schema of a type.
pub(super) fn schema_of(kind: &str) -> Value {
    let (outer, inner) = match kind.split_once('<') {
        Some((outer, rest)) => (outer, rest.strip_suffix('>').unwrap()),
        None => (kind, ""),
    };
    match outer.rsplit("::").next().unwrap() {
        "Option" | "Spanned" | "Box" => schema_of(inner),
        "Vec" => json!({"type": "array", "items": schema_of(inner)}),
        "BTreeMap" | "HashMap" => {
            let (_, value) = inner.split_once(", ").unwrap();
            json!({"type": "object", "additionalProperties": schema_of(value)})
        }
        // `S` stands for texts, borrowed or owned.
        "String" | "PathBuf" | "S" => json!({"type": "string"}),
        "Value" => json!({}),
        "bool" => json!({"type": "boolean"}),
        "f64" => json!({"type": "number"}),
        "u8" | "u16" | "u32" | "u64" | "usize" => json!({"type": "integer", "minimum": 0}),
        "i32" | "i64" => json!({"type": "integer"}),
        name => json!({"$ref": format!("#/$defs/{name}")}),
    }
}

/// Comments without the links of rustdoc, one paragraph a line.
fn description(comment: &str) -> Option<Value> {
    let paragraphs = comment.trim().split("\n\n");
    let joined: Vec<_> = paragraphs.map(|text| text.replace('\n', " ")).collect();
    let mut text = joined.join("\n");
    while let Some((before, rest)) = text.split_once("](") {
        let (_, after) = rest.split_once(')')?;
        let (begin, label) = before.rsplit_once('[')?;
        text = format!("{begin}{label}{after}");
    }
    (!text.is_empty()).then(|| json!(text))
}

impl Item {
    /// Whether it is read from a file.
    pub(super) fn is_read(&self) -> bool {
        self.attributes.contains("Deserialize")
    }

    fn has(&self, word: &str) -> bool {
        let serde = self.attributes.split("#[serde(").skip(1);
        serde
            .into_iter()
            .any(|it| it.split(")]").next().unwrap().contains(word))
    }

    /// The schema of a value of this type.
    pub(super) fn schema(&self) -> Value {
        let mut schema = match self.is_enum {
            true => self.variants(),
            false => self.fields(),
        };
        if let Some(description) = description(&self.comment) {
            schema["description"] = description;
        }
        schema
    }

    fn fields(&self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in &self.members {
            let mut property = schema_of(&field.kind);
            if let Some(description) = description(&field.comment) {
                property["description"] = description;
            }
            let name = field.renamed().unwrap_or_else(|| field.name.clone());
            let has_default = self.has("default") || field.attributes.contains("default");
            if !has_default && !field.kind.starts_with("Option<") {
                required.push(name.clone());
            }
            properties.insert(name, property);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if self.has("deny_unknown_fields") {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }

    fn variants(&self) -> Value {
        if self.has("untagged") {
            let all: Vec<_> = self
                .members
                .iter()
                .map(|one| schema_of(&one.kind))
                .collect();
            return json!({"anyOf": all});
        }
        assert!(self.has("rename_all = \"kebab-case\""), "{}", self.name);
        let words: Vec<_> = self.members.iter().map(Member::word).collect();
        json!({"enum": words})
    }
}

impl Member {
    fn renamed(&self) -> Option<String> {
        let (_, rest) = self.attributes.split_once("rename = \"")?;
        Some(rest.split('"').next()?.to_owned())
    }

    /// The word of a variant, in small letters with hyphens.
    fn word(&self) -> String {
        assert!(self.kind.is_empty(), "{}: a value has no word", self.name);
        self.renamed().unwrap_or_else(|| {
            let mut word = String::new();
            for letter in self.name.chars() {
                if letter.is_uppercase() && !word.is_empty() {
                    word.push('-');
                }
                word.extend(letter.to_lowercase());
            }
            word
        })
    }
}
