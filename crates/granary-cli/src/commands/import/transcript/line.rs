//! A transcript's line, as far as events need it. The format is internal to Claude Code and changes: everything may be missing.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Line {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) subtype: String,
    pub(super) uuid: String,
    pub(super) session_id: String,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) version: String,
    pub(super) is_sidechain: bool,
    pub(super) is_meta: bool,
    pub(super) is_compact_summary: bool,
    pub(super) agent_id: Option<String>,
    pub(super) attribution_agent: Option<String>,
    pub(super) prompt_id: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) effort: Option<String>,
    /// Of old versions.
    #[serde(rename = "costUSD")]
    pub(super) cost_usd: Option<f64>,
    pub(super) message: Option<Message>,
    pub(super) tool_use_result: Option<Value>,
    pub(super) compact_metadata: Option<Compaction>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) content: Content,
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

impl Default for Content {
    fn default() -> Self {
        Self::Blocks(Vec::new())
    }
}

impl Content {
    pub(super) fn blocks(&self) -> &[Block] {
        match self {
            Self::Text(_) => &[],
            Self::Blocks(blocks) => blocks,
        }
    }

    /// All text of it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Blocks(blocks) => {
                let texts = blocks.iter().filter_map(|block| match block {
                    Block::Text { text } => Some(text.as_str()),
                    _ => None,
                });
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        is_error: bool,
        #[serde(default)]
        content: Value,
    },
    #[serde(other)]
    Other,
}

/// The tokens of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "ApiUsage")]
pub(in super::super) struct Usage {
    pub(in super::super) input_tokens: u64,
    pub(in super::super) output_tokens: u64,
    pub(in super::super) cache_read_tokens: u64,
    pub(in super::super) cache_creation_tokens: u64,
    pub(in super::super) cache_creation_5m_tokens: u64,
    pub(in super::super) cache_creation_1h_tokens: u64,
    pub(in super::super) speed: Option<String>,
}

/// As the API names them.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ApiUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_creation: Option<CacheCreation>,
    speed: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl From<ApiUsage> for Usage {
    fn from(usage: ApiUsage) -> Self {
        let by_time = usage.cache_creation.unwrap_or_default();
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_input_tokens,
            cache_creation_tokens: usage.cache_creation_input_tokens,
            cache_creation_5m_tokens: by_time.ephemeral_5m_input_tokens,
            cache_creation_1h_tokens: by_time.ephemeral_1h_input_tokens,
            speed: usage.speed,
        }
    }
}

impl Usage {
    /// The larger of each count.
    pub(super) fn max(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.max(other.cache_read_tokens),
            cache_creation_tokens: self.cache_creation_tokens.max(other.cache_creation_tokens),
            cache_creation_5m_tokens: self.cache_creation_5m_tokens.max(other.cache_creation_5m_tokens),
            cache_creation_1h_tokens: self.cache_creation_1h_tokens.max(other.cache_creation_1h_tokens),
            speed: self.speed.clone().or_else(|| other.speed.clone()),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Compaction {
    pub(super) trigger: String,
    pub(super) pre_tokens: Option<u64>,
    pub(super) post_tokens: Option<u64>,
    pub(super) duration_ms: Option<u64>,
}
