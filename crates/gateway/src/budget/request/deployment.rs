//! The model in a path: `/deployments/{name}/chat/completions`, as Azure has it, and `/engines/{name}/completions`, as the
//! first interface of OpenAI has it.

use palisade::core::Rejection;
use palisade_internal::percent;

use super::super::refusal;

/// Segments of a path before the name of a model.
const BEFORE_NAME: [&[u8]; 2] = [b"deployments", b"engines"];

/// Returns the name after `deployments` or `engines` in a path. `None`: the path has none.
///
/// # Errors
///
/// 400: it has several, or one that is no text.
pub(super) fn deployment_name(path: &str) -> Result<Option<String>, Box<Rejection>> {
    let mut found = None;
    let mut segments = path.split('/');
    while let Some(segment) = segments.next() {
        let segment = percent::decode(segment);
        if !BEFORE_NAME
            .iter()
            .any(|known| segment.eq_ignore_ascii_case(known))
        {
            continue;
        }
        let name = percent::decode(segments.next().unwrap_or_default()).into_owned();
        let name = String::from_utf8(name).ok().filter(|name| !name.is_empty());
        if found.is_some() || name.is_none() {
            return Err(refusal::unreadable_request(
                "the path does not name one deployment",
            ));
        }
        found = name;
    }
    Ok(found)
}
