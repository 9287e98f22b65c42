//! Finds a model's tensors in what a pickle holds.

use std::rc::Rc;

use crate::{
    element::Element,
    pickle::{Machine, Object, StorageName},
    stored::{Storage, Stored},
};

/// More tensors than any checkpoint holds for one model.
const COUNT_LIMIT: usize = 8192;

/// Describes the tensors under the first of `paths` that holds any; `place` finds a storage in the file.
pub(crate) fn describe(
    machine: &Machine,
    root: &Object,
    paths: &[&[&str]],
    mut place: impl FnMut(&StorageName) -> Result<Storage, String>,
) -> Result<Vec<(String, Stored)>, String> {
    let is_tensor = |(_, value): &(Object, Object)| matches!(value, Object::Tensor(_));
    let found = paths.iter().find_map(|path| {
        let entries = machine.entries(machine.value_at(root, path)?)?;
        entries.iter().any(is_tensor).then_some(entries)
    });
    let wanted = || paths.iter().map(|path| path.join(".")).collect::<Vec<_>>();
    let entries = found.ok_or_else(|| format!("no tensors under any of {:?}", wanted()))?;
    if entries.len() > COUNT_LIMIT {
        return Err("absurdly many tensors".to_owned());
    }
    let mut stored = Vec::new();
    for (name, value) in entries {
        let (Object::Text(name), Object::Tensor(view)) = (name, value) else {
            continue;
        };
        let storage = machine.storages().get(view.storage);
        let storage = storage.ok_or("a tensor without a storage")?;
        let one = Stored {
            element: element(storage)?,
            storage: Rc::new(place(storage)?),
            offset: view.offset,
            shape: view.shape.clone(),
            strides: view.strides.clone(),
        };
        stored.push((name.to_string(), one));
    }
    Ok(stored)
}

/// Returns what a storage holds.
pub(crate) fn element(storage: &StorageName) -> Result<Element, String> {
    let StorageName { class, key } = storage;
    let found = Element::of_class(class);
    found.ok_or_else(|| format!("storage {key} is of an unknown type, {class}"))
}
