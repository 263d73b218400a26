//! Which rules are there, what does each catch, and what does it miss?
//!
//! In order of precedence: where two rules find the same text, the first one names it. A rule errs on the side
//! of taking too much, except for ids and numbers that telemetry lives on.

use crate::accept::{
    Accept, always, has_digit, is_address, is_given, is_no_port, is_whole_address, looks_chosen,
    looks_encoded, looks_generated,
};
use crate::assignment::{Named, ValueKind};

/// A rule that comes with Granary.
#[derive(Debug)]
pub struct BuiltinRule {
    /// Its name, which stands in the replacement `[REDACTED:<name>]`, in settings and in counts.
    pub name: &'static str,
    /// What it takes out.
    pub catches: &'static str,
    /// What it is known to leave in.
    pub misses: &'static str,
    /// The ways it finds that, each with literals one of which is in every text where it finds something, ASCII
    /// case aside.
    pub(crate) finders: &'static [(&'static [&'static str], How)],
    /// Names whose values are taken out as attributes, members and options, but not in running text.
    pub(crate) announced: Option<Named>,
}

/// A way of finding.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// What the first group that takes part in a match matches, else the whole match, if it is accepted.
    Pattern(&'static str, Accept),
    /// The values of names, which are taken out as attributes, members and options, too.
    Named(Named),
    /// See [`private_key`](crate::private_key).
    PrivateKeys,
    /// See [`card`](crate::card). It has no literals but its own first look.
    Cards,
}

pub(crate) const PRIVATE_KEY: &str = "private_key";
pub(crate) const EMAIL: &str = "email";

/// The rules that come with Granary, all on unless switched off by name.
pub const BUILTIN_RULES: &[BuiltinRule] = &[
    BuiltinRule {
        name: PRIVATE_KEY,
        catches: "private keys in PEM and OpenPGP armour, whole or cut off at either end, also as a list of lines",
        misses: "keys without armour (DER, JWK), PuTTY's format, and lines that are sent as records of their own",
        finders: &[(&["private key"], How::PrivateKeys)],
        announced: None,
    },
    BuiltinRule {
        name: "anthropic_key",
        catches: "Anthropic API, admin and OAuth keys: sk-ant-…",
        misses: "nothing known",
        finders: &[(&["sk-ant-"], How::Pattern(r"sk-ant-[A-Za-z0-9_-]{6,}", always))],
        announced: None,
    },
    BuiltinRule {
        name: "openai_key",
        catches: "OpenAI keys and others of that form: sk-…, sk-proj-…, sk-svcacct-…, sk-or-…, with a digit in it",
        misses: "keys cut off before 20 characters",
        finders: &[(&["sk-"], How::Pattern(r"(?:\b|\\[nrt])(sk-[A-Za-z0-9_-]{20,})", has_digit))],
        announced: None,
    },
    BuiltinRule {
        name: "aws_secret_key",
        catches: "AWS secret access keys, by their name or behind an access key id",
        misses: "a secret key on its own: 40 characters of base64 are as often a hash",
        finders: &[
            (
                &["akia", "asia"],
                How::Pattern(
                    r"A[KS]IA[A-Z0-9]{16}[^A-Za-z0-9+/]{1,20}(?:[A-Za-z_ ]{1,30}[^A-Za-z0-9+/]{1,8})?([A-Za-z0-9+/]{40})(?:[^A-Za-z0-9+/]|$)",
                    always,
                ),
            ),
            (
                &["secret_access_key", "secret-access-key", "secretaccesskey"],
                How::Named(Named { names: "secret[_-]?access[_-]?key", least: 16, kind: ValueKind::Key }),
            ),
        ],
        announced: None,
    },
    BuiltinRule {
        name: "aws_access_key_id",
        catches: "AWS access key ids, long-lived and temporary: AKIA…, ASIA…",
        misses: "ids of users and roles (AIDA…, AROA…), which open nothing",
        finders: &[(&["akia", "asia"], How::Pattern(r"A[KS]IA[A-Z0-9]{16}", always))],
        announced: None,
    },
    BuiltinRule {
        name: "github_token",
        catches: "GitHub tokens of all kinds: ghp_…, gho_…, ghu_…, ghs_…, ghr_…, github_pat_…",
        misses: "the 40 hex digits of tokens from before 2021, unless a name announces them",
        finders: &[(
            &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
            How::Pattern(r"gh[pousr]_[A-Za-z0-9_]{16,}|github_pat_[A-Za-z0-9_]{16,}", always),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "granary_key",
        catches: "tokens of Granary's own ingest keys, whole or cut off: grn_<id>_<secret>",
        misses: "the secret without what stands before it",
        finders: &[(&["grn_"], How::Pattern(r"grn_[A-Za-z0-9]{8}_[A-Za-z0-9]{8,}", always))],
        announced: None,
    },
    BuiltinRule {
        name: "slack_token",
        catches: "Slack tokens (xoxb-…, xoxp-…, xapp-…) and the secret part of webhook addresses",
        misses: "nothing known",
        finders: &[
            (
                &["xox", "xapp-"],
                How::Pattern(r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}|xapp-[0-9A-Za-z-]{8,}", always),
            ),
            (
                &["hooks.slack.com"],
                How::Pattern(
                    r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]+)",
                    always,
                ),
            ),
        ],
        announced: None,
    },
    BuiltinRule {
        name: "google_key",
        catches: "Google API keys (AIza…), OAuth access tokens (ya29.…) and client secrets (GOCSPX-…)",
        misses: "refresh tokens, unless a name announces them",
        finders: &[(
            &["aiza", "ya29.", "gocspx-"],
            How::Pattern(
                r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|GOCSPX-[A-Za-z0-9_-]{16,}",
                always,
            ),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "stripe_key",
        catches: "Stripe keys, live and test (sk_live_…, rk_test_…, pk_live_…), and webhook secrets (whsec_…)",
        misses: "nothing known",
        finders: &[(
            &["k_live_", "k_test_", "whsec_"],
            How::Pattern(r"[srp]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,}", always),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "vendor_token",
        catches: "tokens that say whose they are: GitLab, npm, PyPI, Hugging Face, SendGrid, DigitalOcean, Vault, \
                  Shopify, Databricks, age",
        misses: "vendors that are not listed; add a rule",
        finders: &[(
            &[
                "glpat-",
                "npm_",
                "pypi-ageicc",
                "hf_",
                "sg.",
                "dop_v1_",
                "hvs.",
                "shpat_",
                "shpss_",
                "dapi",
                "age-secret-key-",
            ],
            How::Pattern(
                r"glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-AgEIcc[A-Za-z0-9_-]{16,}|\bhf_[A-Za-z0-9]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|dop_v1_[a-f0-9]{32,}|hvs\.[A-Za-z0-9_-]{20,}|shp(?:at|ss)_[a-fA-F0-9]{32}|\bdapi[a-f0-9]{32}|AGE-SECRET-KEY-1[A-Z0-9]{30,}",
                always,
            ),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "jwt",
        catches: "JSON web tokens, signed, unsigned, encrypted, or cut off behind the header",
        misses: "the header alone, which holds no secret",
        finders: &[(
            &["eyj"],
            How::Pattern(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}", always),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "basic_auth",
        catches: "credentials of basic authentication: in a header, and of curl's -u and --user",
        misses: "letters without a digit or padding behind the word basic, where no header is named",
        finders: &[
            (
                &["authorization"],
                How::Pattern(
                    r#"(?i)authorization(?:\\*["'`])?\]?[ \t]*(?:=>|[:=,])[ \t]*(?:\\*["'`])?[ \t]*basic[ \t]+([^\s"'`\\,;<>]+)"#,
                    is_given,
                ),
            ),
            (&["basic"], How::Pattern(r"(?i)\bbasic[ \t]+([A-Za-z0-9+/_-]{8,}={0,2})", looks_encoded)),
            (
                &["curl"],
                How::Pattern(
                    r#"(?i)\bcurl\b[^|;&\n]*?[ \t](?:-u|--user|--proxy-user|-U)[ \t=]*(?:\\*["'])?([^\s"'\\:]+:[^\s"'\\]+)"#,
                    is_given,
                ),
            ),
        ],
        announced: None,
    },
    BuiltinRule {
        name: "bearer",
        catches: "bearer tokens, and what else an Authorization header holds",
        misses: "short words without a digit behind the word bearer, where no header is named",
        finders: &[
            (
                &["authorization"],
                How::Pattern(
                    r#"(?i)authorization(?:\\*["'`]\]?[ \t]*(?:=>|[:=,])|\]?[ \t]*(?:=>|[:=]))[ \t]*(?:\\*["'`])?[ \t]*(?:[A-Za-z][A-Za-z0-9_-]*[ \t]+)?([^\s"'`\\,;<>]+)"#,
                    is_given,
                ),
            ),
            (&["bearer"], How::Pattern(r"(?i)\bbearer[ \t]+([A-Za-z0-9._~+/-]{6,}=*)", looks_generated)),
        ],
        announced: Some(Named { names: "authorization", least: 1, kind: ValueKind::Header }),
    },
    BuiltinRule {
        name: "url_password",
        catches: "the password in scheme://user:password@host and in Go's user:password@tcp(…), and a long user name \
                  that stands there alone, as tokens do",
        misses: "short tokens in the place of a user name",
        finders: &[
            (
                &["@", "%40"],
                How::Pattern(
                    r#"[A-Za-z][A-Za-z0-9+.-]*:\\?/\\?/[^\s:/?\#@"'`<>]*:(?:([^\s/?\#"'`<>]+)|([^\s"'`<>@]+(?:@[^\s/?\#"'`<>]*)?))@"#,
                    is_no_port,
                ),
            ),
            (&["@"], How::Pattern(r"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9_-]{20,})@", is_given)),
            (
                &["@tcp(", "@unix("],
                How::Pattern(r#"(?i)[A-Za-z0-9_.-]+:([^\s"'`@]+)@(?:tcp|unix)\("#, is_given),
            ),
        ],
        announced: None,
    },
    BuiltinRule {
        name: "password",
        catches: "the values of password, passwd, passphrase, passcode, pwd, …_pass and names that end so: as \
                  variables, members, options, XML elements, connection strings, in SQL, netrc, sshpass, mysql -p, \
                  and \"the password is …\"",
        misses: "a value on another line than its name, and one that a question or a table names",
        finders: &[
            (
                &["passw", "passphrase", "passcode", "_pass", "-pass", "pwd"],
                How::Named(Named {
                    names: "passw(?:or)?d|passphrase|passcode|[_-]pass|pwd",
                    least: 1,
                    kind: ValueKind::Password,
                }),
            ),
            (
                &["word>", "passwd>", "phrase>"],
                How::Pattern(r"(?i)<[A-Za-z0-9_:.-]*(?:passw(?:or)?d|passphrase)>[ \t]*([^<]+)</", is_given),
            ),
            (
                &["word is", "passwd is", "word was", "passwd was"],
                How::Pattern(
                    r#"(?i)\bpassw(?:or)?d (?:is|was)[ \t:]+(?:\\*["'`])?([^\s"'`\\]*[^\s"'`\\.,;:?)])"#,
                    looks_chosen,
                ),
            ),
            (&["word(", "passwd("], How::Pattern(r#"(?i)passw(?:or)?d\([ \t]*\\*["']([^"'\\]+)"#, is_given)),
            (
                &["identified", "password '", "password \\"],
                How::Pattern(
                    r"(?i)\b(?:identified[ \t]+(?:with[ \t]+\S+[ \t]+)?by|password)[ \t]+\\*'([^']+)'",
                    is_given,
                ),
            ),
            (&["login "], How::Pattern(r"(?i)\blogin[ \t]+\S+[ \t]+password[ \t]+(\S+)", is_given)),
            (&["sshpass"], How::Pattern(r#"\bsshpass[ \t]+-p[ \t]*(?:\\*["'])?([^\s"'\\]+)"#, is_given)),
            (
                &["mysql"],
                How::Pattern(
                    r#"\bmysql(?:dump|admin|import|sh)?\b[^|;&\n]*?[ \t]-p(?:\\*["'])?([^\s"'\\]+)"#,
                    is_given,
                ),
            ),
        ],
        announced: None,
    },
    BuiltinRule {
        name: "api_key",
        catches: "the values of api_key, access_key, auth_key, account_key and names that end so, of 3 characters or more",
        misses: "values that a call gives, or that are read from the environment",
        finders: &[(
            &[
                "api_key",
                "api-key",
                "api key",
                "apikey",
                "access_key",
                "access-key",
                "accesskey",
                "auth_key",
                "auth-key",
                "authkey",
                "account_key",
                "account-key",
                "accountkey",
                "subscription-key",
                "subscription_key",
                "subscriptionkey",
                "master_key",
                "master-key",
                "masterkey",
            ],
            How::Named(Named {
                names: "api[_ -]?key|(?:access|auth|account|subscription|master)[_-]?key",
                least: 3,
                kind: ValueKind::Key,
            }),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "secret",
        catches: "the values of secret, client_secret, secret_key, signing_key, private_key, encryption_key and names \
                  that end so, of 3 characters or more",
        misses: "values that a call gives, or that are read from the environment",
        finders: &[(
            &[
                "secret",
                "private_key",
                "private-key",
                "privatekey",
                "signing_key",
                "signing-key",
                "signingkey",
                "encryption_key",
                "encryption-key",
                "encryptionkey",
            ],
            How::Named(Named {
                names: "secret(?:[_-]?(?:key|token|value|string|base)){0,2}|(?:private|signing|encryption)[_-]?key",
                least: 3,
                kind: ValueKind::Key,
            }),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "token",
        catches: "the values of token, access_token, GITHUB_TOKEN and names that end so, of 6 characters or more",
        misses: "shorter values in running text, and values that a call gives",
        finders: &[(
            // Counts of tokens are what this telemetry is about: `input_tokens` does not lead to a closer look.
            &[
                "token=", "token:", "token\"", "token'", "token`", "token\\", "token ", "token\t", "token]",
                "token0", "token1", "token2", "token3", "token4", "token5", "token6", "token7", "token8",
                "token9",
            ],
            How::Named(Named { names: "token", least: 6, kind: ValueKind::Key }),
        )],
        announced: None,
    },
    BuiltinRule {
        name: EMAIL,
        catches: "e-mail addresses, with letters of any script, also with %40 for the @",
        misses: "quoted local parts, hosts without a dot, \"jane at example dot org\"; git@host is left in on purpose",
        finders: &[(
            &["@", "%40"],
            How::Pattern(
                r"[\p{L}\p{N}._%+-]+(?:@|%40)(?:[\p{L}\p{N}-]+\.)+(?:\p{L}{2,24}|xn--[a-z0-9-]+)",
                is_address,
            ),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "internal_ip",
        catches: "addresses of 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16",
        misses: "IPv6, host names made from addresses (ip-10-0-0-1), and addresses directly behind a v",
        finders: &[(
            &["10.", "192.168.", "172.1", "172.2", "172.3"],
            How::Pattern(
                r"(?:10(?:\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})){3}|(?:192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))(?:\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})){2})",
                is_whole_address,
            ),
        )],
        announced: None,
    },
    BuiltinRule {
        name: "card_number",
        catches: "card numbers of 13 to 19 digits with an issuer's prefix and the right check digit, in one run or \
                  grouped by spaces or dashes",
        misses: "other separators, prefixes that no large issuer has, numbers that were sent as numbers",
        finders: &[(&[], How::Cards)],
        announced: None,
    },
];
