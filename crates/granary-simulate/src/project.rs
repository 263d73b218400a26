//! What does the team work on?

use crate::dice::Dice;

/// A repository the team works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Project {
    /// `project`, set in the client's resource attributes; also the directory's name.
    pub name: &'static str,
    /// What it is written in.
    pub language: Language,
    directories: &'static [&'static str],
    stems: &'static [&'static str],
}

/// What a project is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Built with cargo.
    Rust,
    /// Built with npm.
    TypeScript,
    /// Tested with pytest.
    Python,
    /// Built with go.
    Go,
}

/// All projects there are; a team has the first few.
pub(crate) const PROJECTS: [Project; 8] = [
    Project {
        name: "payments-core",
        language: Language::Rust,
        directories: &["crates/ledger/src", "crates/gateway/src", "crates/gateway/tests", "crates/fx/src"],
        stems: &[
            "account", "batch", "errors", "journal", "lib", "money", "posting", "retry", "settle", "webhook",
        ],
    },
    Project {
        name: "checkout-web",
        language: Language::TypeScript,
        directories: &["src/components", "src/hooks", "src/api", "src/pages/cart", "tests/e2e"],
        stems: &[
            "AddressForm",
            "CartSummary",
            "PriceTag",
            "client",
            "index",
            "session",
            "useCart",
            "useDebounce",
        ],
    },
    Project {
        name: "forecasting",
        language: Language::Python,
        directories: &["forecasting", "forecasting/models", "forecasting/io", "tests", "pipelines"],
        stems: &[
            "backtest", "calendar", "config", "features", "loader", "metrics", "prophet", "schema", "train",
        ],
    },
    Project {
        name: "edge-proxy",
        language: Language::Go,
        directories: &["cmd/edge", "internal/router", "internal/cache", "internal/tlsconf", "pkg/limits"],
        stems: &["config", "handler", "health", "lru", "main", "middleware", "pool", "router", "upstream"],
    },
    Project {
        name: "device-agent",
        language: Language::Rust,
        directories: &["src", "src/transport", "src/sensors", "tests"],
        stems: &["backoff", "config", "frame", "main", "mqtt", "ota", "queue", "sensor", "state", "watchdog"],
    },
    Project {
        name: "admin-console",
        language: Language::TypeScript,
        directories: &["app/routes", "app/components", "app/lib", "app/server"],
        stems: &[
            "AuditLog",
            "RoleTable",
            "UserMenu",
            "auth",
            "db",
            "entry",
            "loader",
            "permissions",
            "theme",
        ],
    },
    Project {
        name: "search-indexer",
        language: Language::Go,
        directories: &["cmd/indexer", "internal/analyzer", "internal/segment", "internal/queue"],
        stems: &[
            "analyzer",
            "bloom",
            "compact",
            "merge",
            "postings",
            "queue",
            "segment",
            "tokenizer",
            "worker",
        ],
    },
    Project {
        name: "data-quality",
        language: Language::Python,
        directories: &["dq", "dq/checks", "dq/reports", "tests", "notebooks"],
        stems: &["anomalies", "checks", "cli", "freshness", "nulls", "report", "rules", "schema", "sources"],
    },
];

impl Project {
    /// Returns a file of the project, by its path inside.
    pub(crate) fn file(&self, dice: &mut Dice) -> String {
        let (directory, stem) = (dice.pick(self.directories), dice.pick(self.stems));
        format!("{directory}/{stem}.{}", self.language.extension())
    }

    pub(crate) fn directory(&self, dice: &mut Dice) -> &'static str {
        dice.pick(self.directories)
    }

    /// Returns a word that one would search the project for.
    pub(crate) fn word(&self, dice: &mut Dice) -> &'static str {
        dice.pick(self.stems)
    }
}

impl Language {
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Rust => "rs",
            Self::TypeScript => "tsx",
            Self::Python => "py",
            Self::Go => "go",
        }
    }

    /// Returns the name that stands in the telemetry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::TypeScript => "TypeScript",
            Self::Python => "Python",
            Self::Go => "Go",
        }
    }

    /// Returns a line of code to stand in edits.
    pub(crate) fn line(self, dice: &mut Dice, word: &str) -> String {
        let number = dice.between(2, 900);
        match self {
            Self::Rust => format!("let {word}_limit = config.{word}.unwrap_or({number});"),
            Self::TypeScript => format!("const {word}Limit = options.{word} ?? {number};"),
            Self::Python => format!("{word}_limit = config.get(\"{word}\", {number})"),
            Self::Go => format!("{word}Limit := max(cfg.{word}, {number})"),
        }
    }
}
