//! What each rule catches and what it leaves alone, case by case.

use granary_redact::{BUILTIN_RULES, CustomRule, RedactConfig, Redactor, RuleError};

fn redactor() -> Redactor {
    Redactor::new(&RedactConfig::default()).expect("the built-in rules are sound")
}

/// Text with `«secret»` where the secret is, and the rule that is to take it out.
fn assert_catches(rule: &str, cases: &[&str]) {
    let redactor = redactor();
    for case in cases {
        let text = case.replace(['«', '»'], "");
        let replacement = format!("[REDACTED:{rule}]");
        let parts = case.split(['«', '»']).enumerate();
        let expected: String =
            parts.map(|(index, part)| if index % 2 == 0 { part } else { &replacement }).collect();
        assert_eq!(redactor.redact_text(&text), expected, "{text}");
    }
}

fn assert_leaves(texts: &[&str]) {
    let redactor = redactor();
    for text in texts {
        assert_eq!(redactor.redact_text(text), *text);
    }
}

#[test]
fn keys_of_vendors_are_caught_wherever_they_stand() {
    assert_catches(
        "anthropic_key",
        &[
            "«sk-ant-api03-Ab0Ab0Ab0Ab0Ab0Ab0Ab0Ab0Ab0Ab0»",
            "echo ANTHROPIC_API_KEY=«sk-ant-api03-Ab0Ab0Ab0Ab0Ab0Ab0Ab0Ab0Ab0Ab0» && claude",
            "x-api-key: «sk-ant-admin01-abc_def-ghi»",
            r#"export A="«sk-ant-oat01-abcdef»""#,
            r"A=1\n«sk-ant-api03-abcdef»",
        ],
    );
    assert_catches(
        "openai_key",
        &["OPENAI_API_KEY=«sk-proj-abcdefghij1234567890»", r"\n«sk-abcdefghij1234567890ABCDEF» "],
    );
    assert_catches("aws_access_key_id", &["key «AKIAIOSFODNN7EXAMPLE» and «ASIAIOSFODNN7EXAMPLE»"]);
    assert_catches(
        "aws_secret_key",
        &[
            "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
            r#""SecretAccessKey": "«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»", "x": 1"#,
        ],
    );
    assert_catches(
        "github_token",
        &[
            "git clone https://x-access-token:«ghs_16C7e42F292c6912E7710c838347Ae178B4a»@github.com/a/b",
            "GITHUB_TOKEN=«ghp_16C7e42F292c6912E7710c838347Ae178B4a»",
            "«github_pat_11AAAAAAA0abcdefghijkl_mnopqrstuvwxyz»",
        ],
    );
    assert_catches(
        "granary_key",
        &[
            "env: OTLP_HEADERS=x-key=«grn_Ab3dEf7h_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg1NOebT» set",
            "cut off: «grn_Ab3dEf7h_01234567»…",
        ],
    );
    assert_catches(
        "slack_token",
        &[
            "slack «xoxb-123456789012-abcdefghijkl»",
            "curl https://hooks.slack.com/services/«T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX»",
        ],
    );
    assert_catches(
        "google_key",
        &["?key=«AIzaSyA1234567890abcdefghijklmnopqrstuv»", "«ya29.a0AfH6SMBx-abcdef_ghi»"],
    );
    assert_catches(
        "stripe_key",
        &["«sk_live_4eC39HqLyjWDarjtT1zdp7dc»", "STRIPE=«rk_test_4eC39HqLyjWDarjt»"],
    );
    assert_catches(
        "vendor_token",
        &["«glpat-abcdefghij_1234567890»", "«npm_abcdefghijklmnopqrstuvwxyz0123456789»"],
    );
}

#[test]
fn an_access_key_id_and_the_secret_behind_it_are_both_caught() {
    let text = "AKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    assert_eq!(redactor().redact_text(text), "[REDACTED:aws_access_key_id],[REDACTED:aws_secret_key]");
}

#[test]
fn tokens_of_http_and_json_are_caught() {
    assert_catches(
        "jwt",
        &[
            "echo «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»",
            "cut off: «eyJhbGciOiJIUzI1NiJ9.eyJzdWIi»",
        ],
    );
    assert_catches(
        "bearer",
        &[
            r#"curl -H "Authorization: Bearer «abc»" https://example.com"#,
            r#"curl -H \"Authorization: Bearer «abc»\" x"#,
            "authorization=«abcdef»",
            "Authorization: token «abcdef»",
            r#"headers["Authorization"] = "Bearer «abc»""#,
            r#"headers.set("Authorization", "Bearer «abc»")"#,
            "bearer «0123456789abcdef»",
        ],
    );
    assert_catches(
        "basic_auth",
        &[
            "Authorization: Basic «dXNlcjpwYXNz»",
            "basic «dXNlcjpwYXNzd29yZA==»",
            "curl -s -u «admin:hunter2» https://example.com",
            r#"curl --user "«admin:hunter2»" x"#,
        ],
    );
    assert_leaves(&[
        "the bearer token is sent in the header",
        "bearer authentication",
        "basic understanding of things",
        "Authorization: Bearer $TOKEN",
        "Authorization: Bearer ${TOKEN}",
        "git push -u origin main:main",
    ]);
}

#[test]
fn passwords_are_caught_in_their_usual_spellings() {
    assert_catches(
        "password",
        &[
            "password=«s3cret!»",
            r#"echo password: "«hunter2-71»""#,
            "passwd: «hunter2»",
            r#"{ "user": x, "password": "«correct horse»" }"#,
            "psql --password «hunter2» -h db",
            "PGPASSWORD=«hunter2» psql",
            "PGPASSWORD='«hunter 2»' psql",
            "MYSQL_PWD=«hunter2» mysql",
            "DB_PASS=«hunter2»",
            "Server=db;User Id=sa;Password=«hunter2»;Timeout=3",
            "let password: &str = \"«hunter2»\";",
            "the password is «hunter2».",
            "<password>«hunter2»</password>",
            "machine a login b password «hunter2»",
            "CREATE USER a WITH PASSWORD '«hunter2»'",
            "CREATE USER a IDENTIFIED BY '«hunter2»'",
            "sshpass -p «hunter2» ssh a",
            "mysqldump -u root -p«hunter2» db",
            r#"user.setPassword("«hunter2»")"#,
            r#"["--password", "«hunter2»"]"#,
            "https://a/?password=«hunter2»&user=b",
            "password:«hunter2»\npasswd=«hunter3»",
        ],
    );
    assert_leaves(&[
        "the password is required",
        "password_file=/run/secrets/db",
        "cd $(pwd) && echo PWD=/home/jane",
        "password=$PASSWORD",
        "fn password(&self) -> Password",
        "12 pass: 11, fail: 1",
        "<input type=\"password\" name=\"x\">",
    ]);
}

#[test]
fn the_password_of_an_address_is_caught_and_the_address_stays() {
    assert_catches(
        "url_password",
        &[
            "postgres://app:«p4ss»@db.example.com:5432/app",
            "redis://:«p4ss»@cache:6379",
            "https://jane:«p@ss»@example.com/x",
            "postgres://app:«p/ss»@db/app",
            "app:«p4ss»@tcp(db:3306)/app",
            "https://«0123456789abcdef0123456789»@github.com/a/b",
            "https://token:«abcdef»@example.com/x",
        ],
    );
    assert_leaves(&[
        "http://localhost:3000/@vite/client",
        "http://localhost:8080/a?b=c@2x",
        "ssh://git@github.com/a/b",
    ]);
}

#[test]
fn assignments_of_keys_secrets_and_tokens_are_caught() {
    assert_catches(
        "api_key",
        &["api_key=«abc123»", "API-Key: «abc123»", "apiKey: '«abc 123»'", "--api-key «abc123»"],
    );
    assert_catches(
        "secret",
        &["secret=«my-very-secret»", "client_secret: «abcdef»", "SECRET_KEY_BASE=«abcdef»"],
    );
    assert_catches(
        "token",
        &[
            "token: «abcdef»",
            "NPM_TOKEN=«abcdef»",
            r#""access_token":"«abcdef»""#,
            "--token «abcdef»",
            "token=«abcdef»;",
        ],
    );
    assert_leaves(&[
        "input_tokens=1200 max_tokens: 4096 token_type: input",
        "unexpected token } in JSON",
        "let token = self.next_token()?;",
        "token = next_token(input)",
        "api_key = os.environ['KEY']",
        "api_key=process.env.API_KEY",
        "token: string",
        "secretName: db",
        "TOKEN=$TOKEN",
        "total tokens: 123456",
    ]);
}

#[test]
fn private_keys_are_caught_whole_and_in_part() {
    let body = "MIIEpAIBAAKCAQEAx\nabcdefghijklmnopqrstuvwxyz0123456789+/==";
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----");
    let redactor = redactor();
    for text in [
        key.clone(),
        key.replace('\n', "\\n"),
        key.replace(" RSA", " OPENSSH"),
        key.replace(" RSA", ""),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{body}"),
    ] {
        assert_eq!(
            redactor.redact_text(&format!("cat <<'E'\n{text}")),
            "cat <<'E'\n[REDACTED:private_key]",
            "{text}"
        );
    }
    let tail = redactor.redact_text(key.split_once('\n').unwrap().1).into_owned();
    assert!(!tail.contains("abcdefghijkl"), "{tail}");
    assert_leaves(&["-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"]);
}

#[test]
fn addresses_of_people_and_internal_hosts_are_caught() {
    assert_catches(
        "email",
        &[
            "Refactor the parser, my email is «john.smith@example.com»",
            "Jane <«jane+x@mail.example.co.uk»>, «jörg@müller.de»",
            "?to=«jane%40example.org»",
            "http://«jane@example.com»/",
        ],
    );
    assert_leaves(&[
        "git clone git@github.com:a/b.git",
        "npm i react@18.2.0 @types/node@20.1.0-rc.1 typescript@latest",
        "icon@2x.png getty@tty1.service",
        "@app.route('/')",
    ]);
    assert_catches(
        "internal_ip",
        &[
            "from «10.1.2.70».",
            "ping «192.168.0.1» «172.16.0.1» «172.31.255.255»:80",
            "http://«10.0.0.1»:8080/ «10.0.0.0»/8",
        ],
    );
    assert_leaves(&[
        "8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 11.0.0.1 110.1.2.3",
        "10.0.19045.3570 1.10.0.0.1 10.1.2.3.4 v10.1.2.3 10.1.2",
        "2026-11-20T09:08:10.137Z",
    ]);
}

#[test]
fn card_numbers_are_caught() {
    assert_catches(
        "card_number",
        &[
            "card «4111 1111 1111 1111» exp 12/27",
            "«5500-0000-0000-0004»",
            "cc=«378282246310005», «6011111111111117».",
            "12 «4111 1111 1111 1111» 123",
        ],
    );
}

#[test]
fn ids_times_and_counts_of_telemetry_are_left_alone() {
    assert_leaves(&[
        "toolu_01A09q90qw90lq917835lq9",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "6c711657-4fd1-4a4e-8a53-3a4d6b8f3c21",
        "41111111-1111-1111-1111-111111111111",
        "c1f2a9d4e5b6078193a4b5c6d7e8f90112233445566778899aabbccddeeff001",
        "1795164633269000000",
        "0.0027651900000000003",
        "claude-sonnet-4-5-20250929",
        "2026-11-20T09:08:10.069Z",
        "7.0.0-38-generic",
        "claude_code.api_request",
        "cli_api_key_helper",
        "task-0123456789012345678901234567890",
        "Unexpected token: ",
        "https://github.com/anthropics/claude-code/blob/main/README.md#L10",
    ]);
}

#[test]
fn json_stays_json_and_its_escapes_hide_nothing() {
    let redactor = redactor();
    for (text, expected) in [
        (
            r#"{"full_command":"curl -H \"Authorization: Bearer abc\"", "n": 1.50}"#,
            r#"{"full_command":"curl -H \"Authorization: Bearer [REDACTED:bearer]\"", "n": 1.50}"#,
        ),
        (
            r#"{"command":"echo password: \"hunter2-71\"","description":"pw"}"#,
            r#"{"command":"echo password: \"[REDACTED:password]\"","description":"pw"}"#,
        ),
        (r#"{"password":"a\"b\\","x":"\u00e9"}"#, r#"{"password":"[REDACTED:password]","x":"\u00e9"}"#),
        (
            r#"{"password":123456,"pin":4111111111111111}"#,
            r#"{"password":"[REDACTED:password]","pin":"[REDACTED:card_number]"}"#,
        ),
        (r#"{"to":"jane\u0040example.org"}"#, r#"{"to":"[REDACTED:email]"}"#),
        (r#"{"url":"https:\/\/a:b\/c@d"}"#, r#"{"url":"https://a:[REDACTED:url_password]@d"}"#),
        (
            r#"{"jane@example.org":{"api_key":["abc123"]}}"#,
            r#"{"[REDACTED:email]":{"api_key":["[REDACTED:api_key]"]}}"#,
        ),
        (
            r#"{"args":["psql","--password","x1","-v"]}"#,
            r#"{"args":["psql","--password","[REDACTED:password]","-v"]}"#,
        ),
        (
            r#"[{"name":"DB_PASSWORD","value":"x1"},{"name":"PATH","value":"x1"}]"#,
            r#"[{"name":"DB_PASSWORD","value":"[REDACTED:password]"},{"name":"PATH","value":"x1"}]"#,
        ),
        (r#"{"Authorization":"Bearer abc"}"#, r#"{"Authorization":"Bearer [REDACTED:bearer]"}"#),
        (
            r#"{"lines":["-----BEGIN PRIVATE KEY-----","MIIE","-----END PRIVATE KEY-----","after"]}"#,
            r#"{"lines":["[REDACTED:private_key]","[REDACTED:private_key]","[REDACTED:private_key]","after"]}"#,
        ),
        (
            r#"{"a":"{\"b\":\"{\\\"password\\\":\\\"x y\\\"}\"}"}"#,
            r#"{"a":"{\"b\":\"{\\\"password\\\":\\\"[REDACTED:password]\\\"}\"}"}"#,
        ),
        (r#"{"a":1,"command":"password=\"a b"#, r#"{"a":1,"command":"password=\"[REDACTED:password]"#),
        (
            "{\"token\":\"abc\"}\n{\"token\":\"def\"}",
            "{\"token\":\"[REDACTED:token]\"}\n{\"token\":\"[REDACTED:token]\"}",
        ),
        (r#"{"input_tokens":12,"token":"${TOKEN}"}"#, r#"{"input_tokens":12,"token":"${TOKEN}"}"#),
        ("[INFO] password=abc", "[INFO] password=[REDACTED:password]"),
        (r"{'password': 'abc'}", r"{'password': '[REDACTED:password]'}"),
    ] {
        assert_eq!(redactor.redact_text(text), expected);
    }
}

#[test]
fn redacting_twice_changes_nothing_more() {
    let redactor = redactor();
    for text in [
        "password=hunter2 postgres://a:b@c jane@example.org 10.0.0.1 4111111111111111",
        "Authorization: Bearer abc, the password is hunter2, api_key: 'x y z', --token abcdef",
        r#"{"password":"x","a":"curl -u a:b https://c"}"#,
        // Where such a password ends can only be guessed.
        "ftp://a:b)?@c@d~e@host and ftp://a:b?c@d/e@host and ftp://a://b@@c@@",
        "x://jane@example.org://*@zA@A.ts",
    ] {
        let once = redactor.redact_text(text).into_owned();
        assert_eq!(redactor.redact_text(&once), once);
    }
}

#[test]
fn a_rule_that_is_switched_off_does_not_run_and_one_that_is_added_does() {
    let config = RedactConfig {
        disabled_rules: vec!["email".to_owned()],
        rules: vec![
            CustomRule {
                name: "ticket".to_owned(),
                pattern: r"(?i)(ticket)-(?P<secret>\d+)".to_owned(),
                replacement: Some("<$1>".to_owned()),
                triggers: vec!["ticket-".to_owned()],
            },
            CustomRule {
                name: "codename".to_owned(),
                pattern: "Bluebird".to_owned(),
                replacement: None,
                triggers: Vec::new(),
            },
        ],
        ..RedactConfig::default()
    };
    let redactor = Redactor::new(&config).unwrap();
    assert_eq!(
        redactor.redact_text("TICKET-42 by jane@example.org for Bluebird"),
        "TICKET-<TICKET> by jane@example.org for [REDACTED:codename]"
    );
    let counts = redactor.counts();
    let fired: Vec<_> = counts.fired().map(|entry| (&*entry.rule, entry.count)).collect();
    assert_eq!(fired, [("ticket", 1), ("codename", 1)]);
    assert_eq!(counts.count("email"), 0);
}

#[test]
fn a_configuration_that_cannot_do_what_it_says_is_refused() {
    let rule = |name: &str, pattern: &str, replacement: Option<&str>, trigger: Option<&str>| RedactConfig {
        rules: vec![CustomRule {
            name: name.to_owned(),
            pattern: pattern.to_owned(),
            replacement: replacement.map(str::to_owned),
            triggers: trigger.map(str::to_owned).into_iter().collect(),
        }],
        ..RedactConfig::default()
    };
    let error = |config: &RedactConfig| Redactor::new(config).unwrap_err();
    let disabled = RedactConfig { disabled_rules: vec!["emails".to_owned()], ..RedactConfig::default() };
    assert!(matches!(error(&disabled), RuleError::UnknownRule { name } if name == "emails"));
    assert!(matches!(error(&rule("a b", "x", None, None)), RuleError::BadName { .. }));
    assert!(matches!(error(&rule("email", "x", None, None)), RuleError::RepeatedName { .. }));
    assert!(matches!(error(&rule("a", "(", None, None)), RuleError::BadPattern { .. }));
    assert!(matches!(error(&rule("a", r"\w{1000}{1000}", None, None)), RuleError::BadPattern { .. }));
    assert!(matches!(error(&rule("a", "x*", None, None)), RuleError::MatchesNothing { .. }));
    assert!(matches!(error(&rule("a", "x", Some("$0"), None)), RuleError::ReplacementKeepsMatch { .. }));
    assert!(
        matches!(error(&rule("a", "x", Some("${b}"), None)), RuleError::UnknownGroup { group, .. } if group == "b")
    );
    assert!(matches!(error(&rule("a", "x", None, Some("ab"))), RuleError::TriggerTooShort { .. }));
    let mut many = rule("a", "x", None, None);
    many.rules = (0..65).map(|at| CustomRule { name: format!("r{at}"), ..many.rules[0].clone() }).collect();
    assert!(matches!(error(&many), RuleError::TooManyRules { limit: 64, .. }));
}

#[test]
fn every_builtin_rule_says_what_it_catches_and_misses() {
    for rule in BUILTIN_RULES {
        assert!(!rule.catches.is_empty() && !rule.misses.is_empty(), "{}", rule.name);
    }
}
