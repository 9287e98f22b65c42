//! Changes in JSON documents. A member that is missing is skipped, not created.

use serde_json::Value;

/// Sets a member of an object.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// Goes through the members of an object that is a member itself.
pub(super) fn members<'a>(
    object: &'a mut Value,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    let members = object.get_mut(name).and_then(Value::as_object_mut);
    members.into_iter().flatten()
}

/// Goes through all operations of a document.
pub(super) fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = members(document, "paths");
    let operations = paths.filter_map(|(_, path)| path.as_object_mut());
    operations.flat_map(|path| path.values_mut())
}
