//! The tools, as one table, and what they do.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use palisade::{Principal, core::SecurityContext};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        JsonObject, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

/// Notes of one principal.
const MOST_NOTES: usize = 100;
/// Principals with notes.
const MOST_PRINCIPALS: usize = 10_000;
/// Characters of a note.
const LONGEST_NOTE: usize = 500;

/// A tool, and the scope that a call needs.
#[derive(Debug)]
pub(crate) struct ToolEntry {
    pub(crate) name: &'static str,
    pub(crate) scope: &'static str,
    description: &'static str,
    /// Whether it has the argument `text`.
    takes_text: bool,
    action: Action,
}

/// What a tool does.
#[derive(Clone, Copy, Debug)]
enum Action {
    List,
    ReadAloud,
    Add,
}

/// All tools. The gate refuses what is not here, and a call is looked up here: a tool without a scope cannot be written.
pub(crate) const TOOLS: &[ToolEntry] = &[
    ToolEntry {
        name: "list_notes",
        scope: "notes:read",
        description: "Returns the notes.",
        takes_text: false,
        action: Action::List,
    },
    ToolEntry {
        name: "read_aloud",
        scope: "notes:read",
        description: "Reads the notes one by one, as progress, and returns how many there are.",
        takes_text: false,
        action: Action::ReadAloud,
    },
    ToolEntry {
        name: "add_note",
        scope: "notes:write",
        description: "Adds a note of up to 500 characters.",
        takes_text: true,
        action: Action::Add,
    },
];

/// Whose notes they are: kind and id of a principal. An id alone may be that of two, each proved in another way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct NoteOwner {
    kind: &'static str,
    id: Box<str>,
}

/// The notes of all principals. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<NoteOwner, Vec<String>>>>);

impl ToolEntry {
    /// Finds the tool of a name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    fn describe(&self) -> Tool {
        let properties = match self.takes_text {
            true => json!({ "text": { "type": "string", "maxLength": LONGEST_NOTE } }),
            false => json!({}),
        };
        let required: &[&str] = if self.takes_text { &["text"] } else { &[] };
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        let schema = match schema {
            Value::Object(schema) => schema,
            _ => JsonObject::new(),
        };
        Tool::new(self.name, self.description, schema)
    }
}

impl NoteOwner {
    fn of(principal: &Principal) -> Self {
        Self {
            kind: principal.kind(),
            id: principal.id().into(),
        }
    }
}

impl Notes {
    fn of(&self, owner: &NoteOwner) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(owner).cloned().unwrap_or_default()
    }

    fn add(&self, owner: &NoteOwner, arguments: Option<&JsonObject>) -> Result<(), ErrorData> {
        let text = arguments.and_then(|all| all.get("text")?.as_str());
        let text = text.filter(|text| text.chars().count() <= LONGEST_NOTE);
        let text = text.ok_or_else(|| invalid("`text` must have up to 500 characters"))?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(owner) && all.len() >= MOST_PRINCIPALS {
            return Err(invalid("there are notes of too many users"));
        }
        let notes = all.entry(owner.clone()).or_default();
        if notes.len() >= MOST_NOTES {
            return Err(invalid("there are 100 notes, and no place for another one"));
        }
        notes.push(text.to_owned());
        Ok(())
    }

    /// Sends each note as progress, if the client asked for progress: a stream, until the result ends it.
    async fn read_aloud(&self, owner: &NoteOwner, context: &RequestContext<RoleServer>) -> usize {
        let notes = self.of(owner);
        let Some(token) = context.meta.get_progress_token() else {
            return notes.len();
        };
        for (index, note) in notes.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)] // At most 100.
            let progress = ProgressNotificationParam::new(token.clone(), (index + 1) as f64)
                .with_message(note.clone());
            if context.peer.notify_progress(progress).await.is_err() {
                break; // The client has left.
            }
        }
        notes.len()
    }
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("notes", "0.1.0"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = TOOLS.iter().map(ToolEntry::describe).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = principal(&context)?;
        let tool = ToolEntry::find(&request.name);
        let tool = tool.ok_or_else(|| invalid("there is no such tool"))?;
        if !principal.has_scope(tool.scope) {
            return Err(invalid("the token has not the scope of this tool"));
        }
        let owner = NoteOwner::of(principal);
        let text = match tool.action {
            Action::List => self.of(&owner).join("\n"),
            Action::ReadAloud => format!("{} notes", self.read_aloud(&owner, &context).await),
            Action::Add => {
                self.add(&owner, request.arguments.as_ref())?;
                "added".to_owned()
            }
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// Who calls. The gate has let the request pass, so its context has a principal.
fn principal(context: &RequestContext<RoleServer>) -> Result<&Principal, ErrorData> {
    let head = context.extensions.get::<http::request::Parts>();
    let cx = head.and_then(|head| SecurityContext::of(&head.extensions));
    let principal = cx.and_then(SecurityContext::principal);
    principal.ok_or_else(|| ErrorData::internal_error("no principal", None))
}

fn invalid(message: &'static str) -> ErrorData {
    ErrorData::invalid_params(message, None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_two_kinds_of_principals_with_one_id_are_not_shared() {
        let notes = Notes::default();
        let [user, key] =
            ["jwt", "api_key"].map(|kind| NoteOwner::of(&Principal::builder(kind, "ann").build()));
        let arguments = json!({ "text": "buy bread" });
        notes.add(&user, arguments.as_object()).unwrap();
        assert_eq!(notes.of(&user), ["buy bread"]);
        assert!(notes.of(&key).is_empty());
    }
}
