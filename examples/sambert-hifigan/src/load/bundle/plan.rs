//! What will be written, before any of it is read.

use candle_core::DType;
use checkpoint::Element;
use serde_json::{Map, Value, json};

use super::{ACOUSTIC, FORMAT, MVN, SE, VOCODER};
use crate::load::Parts;

/// A tensor that will be written.
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) kind: DType,
    pub(super) content: Content,
}

/// Where its values come from.
pub(super) enum Content {
    Acoustic(String),
    Vocoder(String),
    Values(Vec<f32>),
}

/// Lists what will be written, in its order. Tensors that are no weights are left out.
pub(super) fn plan(parts: &Parts, half: bool) -> Vec<Planned> {
    let models: [(_, _, fn(String) -> Content); 2] = [
        (ACOUSTIC, &parts.acoustic.tensors, Content::Acoustic),
        (VOCODER, &parts.vocoder.tensors, Content::Vocoder),
    ];
    let mut planned = Vec::new();
    for (prefix, tensors, content) in models {
        for name in tensors.names() {
            let (Some(shape), Some(Element::Float(kind))) =
                (tensors.shape(name), tensors.element(name))
            else {
                continue;
            };
            planned.push(Planned {
                name: format!("{prefix}{name}"),
                shape: shape.to_vec(),
                kind: match kind {
                    _ if half => DType::F16,
                    DType::F64 => DType::F32,
                    kind => kind,
                },
                content: content(name.to_owned()),
            });
        }
    }
    let arrays = [(MVN, &parts.statistics.mvn), (SE, &parts.statistics.se)];
    let arrays = arrays
        .into_iter()
        .filter_map(|(name, values)| Some((name, values.clone()?)));
    planned.extend(arrays.map(|(name, values)| Planned {
        name: name.to_owned(),
        shape: vec![values.len()],
        kind: DType::F32,
        content: Content::Values(values),
    }));
    planned
}

/// Makes the list at the front of the file.
pub(super) fn header(parts: &Parts, planned: &[Planned]) -> Value {
    let mut voice_metadata = parts.voice_metadata.clone();
    voice_metadata.name = Some(parts.name.clone());
    let mut metadata = Map::from_iter([
        ("format".to_owned(), json!(FORMAT)),
        ("voice.json".to_owned(), json!(voice_metadata.to_json())),
        (
            "acoustic.config".to_owned(),
            json!(parts.acoustic.config.content),
        ),
        (
            "vocoder.config".to_owned(),
            json!(parts.vocoder.config.content),
        ),
    ]);
    for (name, text) in parts.dictionaries.files() {
        metadata.insert(format!("dict.{name}"), json!(text.content));
    }
    let mut header = Map::from_iter([("__metadata__".to_owned(), Value::Object(metadata))]);
    let mut from = 0;
    for one in planned {
        let to = from + one.shape.iter().product::<usize>() * one.kind.size_in_bytes();
        let dtype = match one.kind {
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            _ => "F32",
        };
        let listed = json!({ "dtype": dtype, "shape": one.shape, "data_offsets": [from, to] });
        header.insert(one.name.clone(), listed);
        from = to;
    }
    Value::Object(header)
}
