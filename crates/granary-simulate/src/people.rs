//! Who is in the team, on which machine, with which settings?

use crate::dice::{Dice, real};

const FIRST_NAMES: [&str; 20] = [
    "amara", "bjorn", "chiara", "dmitri", "elif", "farah", "goran", "hana", "ines", "jonas", "keiko", "luca",
    "maya", "nikhil", "olga", "pavel", "rosa", "sven", "tariq", "wanda",
];

const LAST_NAMES: [&str; 23] = [
    "abebe",
    "bauer",
    "costa",
    "dubois",
    "eriksen",
    "fischer",
    "garcia",
    "horvat",
    "ito",
    "jensen",
    "kowalski",
    "lindqvist",
    "moreau",
    "novak",
    "okafor",
    "petrov",
    "quist",
    "rossi",
    "schmidt",
    "tanaka",
    "ueda",
    "varga",
    "weber",
];

/// Minutes from UTC, and how many of the team live there.
const OFFSETS: [(i64, f64); 7] =
    [(-480, 2.0), (-300, 3.0), (0, 2.0), (60, 6.0), (120, 3.0), (330, 2.0), (540, 1.0)];

const VERSIONS: [(&str, f64); 5] =
    [("2.1.314", 0.5), ("2.1.321", 1.0), ("2.1.326", 2.0), ("2.1.328", 5.0), ("2.1.330", 1.5)];

const MACHINES: [(Machine, f64); 4] = [
    (
        Machine {
            os_type: "darwin",
            os_version: "25.1.0",
            arch: "arm64",
            wsl: None,
            terminals: &["iTerm.app", "vscode", "ghostty", "tmux", "WarpTerminal"],
            homes: "/Users",
        },
        5.0,
    ),
    (
        Machine {
            os_type: "linux",
            os_version: "6.8.0-4-generic",
            arch: "amd64",
            wsl: None,
            terminals: &["xterm-256color", "vscode", "tmux", "gnome-terminal"],
            homes: "/home",
        },
        4.0,
    ),
    (
        Machine {
            os_type: "linux",
            os_version: "6.6.87.2-microsoft-standard-WSL2",
            arch: "amd64",
            wsl: Some("2"),
            terminals: &["windows-terminal", "vscode"],
            homes: "/home",
        },
        1.0,
    ),
    (
        Machine {
            os_type: "linux",
            os_version: "6.12.41-1-aarch64",
            arch: "arm64",
            wsl: None,
            terminals: &["tmux", "xterm-256color"],
            homes: "/home",
        },
        0.6,
    ),
];

/// Share of the people whose client sends what tools were called with.
const DETAILS: f64 = 0.85;

/// Share of the people who have hooks.
const HOOKS: f64 = 0.25;

/// Share of the people who have connected an MCP server.
const MCP: f64 = 0.4;

/// A person whose agents send telemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// `user.id`: what the installation calls itself, 64 hexadecimal digits.
    pub id: String,
    /// `user.email`; this and the accounts below are sent by those who signed in.
    pub email: String,
    /// `user.account_uuid`.
    pub account_uuid: String,
    /// `user.account_id`.
    pub account_id: String,
    /// `organization.id`, the same for all of the team.
    pub organization_id: String,
    /// `team.id`, set in the client's resource attributes.
    pub group: String,
    /// `terminal.type`.
    pub terminal: String,
    /// `service.version`, the client's.
    pub version: String,
    /// Minutes from UTC where the person works.
    pub utc_offset_minutes: i64,
    /// Whether the person signed in; with an API key, the client knows neither account nor organisation.
    pub signed_in: bool,
    /// Whether the client sends spans: a beta that every second person has switched on.
    pub traces: bool,
    /// Whether the client sends what tools were called with.
    pub details: bool,
    /// How much of the team's work is this person's, next to the others.
    pub weight: f64,
    pub(crate) machine: Machine,
    pub(crate) home: String,
    pub(crate) extras: Extras,
}

/// What somebody has added to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extras {
    pub(crate) hooks: bool,
    pub(crate) mcp: bool,
}

/// What the client says of the machine it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) os_type: &'static str,
    pub(crate) os_version: &'static str,
    pub(crate) arch: &'static str,
    pub(crate) wsl: Option<&'static str>,
    terminals: &'static [&'static str],
    homes: &'static str,
}

impl User {
    /// Makes the person at this place in the team; places give different names up to the product of the lists.
    pub(crate) fn new(dice: &mut Dice, place: usize, organization_id: &str, group: &str) -> Self {
        let first = FIRST_NAMES[place % FIRST_NAMES.len()];
        let round = place / FIRST_NAMES.len();
        let last = LAST_NAMES[(round + 7 * (place % FIRST_NAMES.len())) % LAST_NAMES.len()];
        let again = match round / LAST_NAMES.len() {
            0 => String::new(),
            times => times.to_string(),
        };
        let machine = dice.weighted(&MACHINES);
        Self {
            id: dice.hex(64),
            email: format!("{first}.{last}{again}@example.com"),
            account_uuid: dice.uuid(),
            account_id: format!("user_01{}", dice.base58(22)),
            organization_id: organization_id.to_owned(),
            group: group.to_owned(),
            terminal: dice.pick(machine.terminals).to_owned(),
            version: dice.weighted(&VERSIONS).to_owned(),
            utc_offset_minutes: dice.weighted(&OFFSETS),
            signed_in: true,
            // By place rather than by chance, so that a small team has both kinds.
            traces: place.is_multiple_of(2),
            details: dice.chance(DETAILS),
            // A few do most of the work.
            weight: 0.15 + real(dice.log_normal(1_000.0, 1.1).min(20_000)) / 1_000.0,
            home: format!("{}/{first}", machine.homes),
            machine,
            extras: Extras { hooks: dice.chance(HOOKS), mcp: dice.chance(MCP) },
        }
    }
}
