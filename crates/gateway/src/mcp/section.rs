//! The keys of `[[mcp]]`, as they are written, and checked.

use palisade::config::{Config, ConfigFileError};
use serde::Deserialize;
use toml::Spanned;

use super::{McpRule, ToolRule};
use crate::{pattern::Pattern, problem::Place};

/// The longest body that is read, in KiB, if the file does not say it.
const MAX_BODY_KIB: u64 = 4096;
/// The longest name or pattern, in bytes.
const LONGEST_NAME: usize = 128;

/// `[[mcp]]`: which methods and tools of an MCP server may be used. The first entry of a path counts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct McpSection {
    /// The path of the server, such as `/mcp`; paths below it are meant too.
    path: Spanned<String>,
    /// The methods that may be used; `*` stands for any text. Default: all.
    #[serde(default)]
    methods: Vec<Spanned<String>>,
    /// The tools that may be called. Default: all. An empty list allows none.
    tools: Option<Vec<ToolSection>>,
    /// Whether the lists that the server sends have only the tools that the client may call. Default: true.
    hide_tools: Option<bool>,
    /// The longest body that is read, in KiB: 1 to 65536. Default: 4096.
    max_body_kib: Option<Spanned<u64>>,
}

/// `[[mcp.tools]]`: who may call some tools. The first entry that names the tool counts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ToolSection {
    /// The name; `*` stands for any text.
    name: Spanned<String>,
    /// The scopes that a client needs, all of them. Default: none.
    #[serde(default)]
    scopes: Vec<Spanned<String>>,
}

/// Reads the section.
///
/// # Errors
///
/// A path, a name or a number cannot be used.
pub(super) fn read(config: &Config) -> Result<Vec<McpRule>, ConfigFileError> {
    let place = Place::in_file_of(config);
    let sections: Vec<McpSection> = config.section("mcp")?;
    let rules = sections.iter().map(|section| read_rule(section, place));
    rules.collect()
}

fn read_rule(section: &McpSection, place: Place<'_>) -> Result<McpRule, ConfigFileError> {
    let path = section.path.get_ref().trim_end_matches('/');
    if !path.starts_with('/') || path.contains('*') {
        let remedy = "write it as \"/mcp\", without stars";
        return Err(place.invalid_value(&section.path, "this is no path of a server", remedy));
    }
    let kib = section.max_body_kib.as_ref();
    if let Some(written) = kib.filter(|it| !(1..=65_536).contains(it.get_ref())) {
        let problem = format_args!("{} is out of range", written.get_ref());
        return Err(place.invalid_value(written, problem, "write 1 to 65536"));
    }
    let kib = kib.map_or(MAX_BODY_KIB, |written| *written.get_ref());
    let tool = |tool: &ToolSection| {
        Ok(ToolRule {
            name: read_pattern(&tool.name, place)?,
            scopes: tool.scopes.iter().map(|it| it.get_ref().clone()).collect(),
        })
    };
    let tools = section.tools.as_ref();
    let tools = tools.map(|tools| tools.iter().map(tool).collect());
    let methods = section.methods.iter();
    Ok(McpRule {
        path: path.to_owned(),
        methods: methods
            .map(|method| read_pattern(method, place))
            .collect::<Result<_, _>>()?,
        tools: tools.transpose()?,
        hides_tools: section.hide_tools.unwrap_or(true),
        max_body: usize::try_from(kib * 1024).unwrap_or(usize::MAX),
    })
}

fn read_pattern(written: &Spanned<String>, place: Place<'_>) -> Result<Pattern, ConfigFileError> {
    match (1..=LONGEST_NAME).contains(&written.get_ref().len()) {
        true => Ok(Pattern::new(written.get_ref())),
        false => {
            let remedy = "write 1 to 128 characters; `*` stands for any text";
            Err(place.invalid_value(written, "this names nothing", remedy))
        }
    }
}
