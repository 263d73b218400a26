//! Nobody learns anything of what is not theirs, whatever they ask and however.
//!
//! One warehouse holds two tenants with several users and teams; beside it stand warehouses that hold nothing but what
//! one caller may see. Whatever that caller asks, both must give the same answer: then no row, no sum, no rank and
//! no rate in it comes from others' data. The other tenant has sessions of the same ids, so that a join that
//! forgets the tenant shows.

pub(crate) mod askers;
pub(crate) mod warehouses;

use std::collections::BTreeSet;

use granary_gateway::{Catalogue, NamedQuery};
use reqwest::StatusCode;
use serde_json::Value;

use askers::Asker;
pub(crate) use askers::differs;
pub(crate) use warehouses::add as add_key;
use warehouses::{Foreign, Telemetry, telemetry};

/// Headers by which some systems take a tenant, a user or another database.
const HEADERS: [(&str, &str); 12] = [
    ("X-Tenant", "other"),
    ("X-Tenant-Id", "other"),
    ("X-Granary-Tenant", "other"),
    ("X-Scope-OrgID", "other"),
    ("X-Forwarded-User", "other"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-ClickHouse-User", "default"),
    ("X-ClickHouse-Key", "other"),
    ("X-ClickHouse-Database", "system"),
    ("X-Remote-User", "other"),
    ("Cookie", "tenant=other"),
];

/// Parameters that no query has.
const FOREIGN_PARAMETERS: [&str; 6] =
    ["tenant=other", "tenant=acme", "TenantId=other", "param_tenant=other", "database=system", "role=admin"];

/// What can be asked of a query: as it is, with each value of each of its enums, and with what others have in each of
/// its other parameters.
fn questions(query: &NamedQuery, telemetry: &Telemetry, with_foreign: bool) -> Vec<String> {
    let required = |but: &str| {
        let needed = query.describe().parameters.into_iter().filter(|parameter| parameter.required);
        let value = |parameter: granary_gateway::ParameterDescription| {
            let value = match parameter.type_name {
                "enum" => parameter.values[0].clone(),
                "string" | "strings" | "session" => telemetry.own_session.clone(),
                "bool" => "true".to_owned(),
                _ => parameter.min.as_ref().map_or("1".to_owned(), Value::to_string),
            };
            format!("&{}={value}", parameter.name)
        };
        needed.filter(|parameter| parameter.name != but).map(value).collect::<String>()
    };
    let ask =
        |own: &str, but: &str| format!("{}.ndjson?{}{}{own}", query.name(), telemetry.range, required(but));
    let mut questions = vec![ask("", "")];
    for parameter in query.describe().parameters {
        let name = parameter.name.as_str();
        for value in &parameter.values {
            questions.push(ask(&format!("&{name}={value}"), name));
        }
        if with_foreign {
            let Foreign { user, team, project, session } = &telemetry.foreign;
            let value = match name {
                "user" => Some(user),
                "team" => Some(team),
                "project" => Some(project),
                "session" => Some(session),
                _ => None,
            };
            questions.extend(value.map(|value| ask(&format!("&{name}={value}"), name)));
        }
    }
    questions
}

/// Asks both warehouses everything; says how many questions there were and how many of them had an answer with rows.
async fn compare(
    telemetry: &Telemetry,
    among_others: &Asker,
    alone: &Asker,
    with_foreign: bool,
) -> (usize, BTreeSet<String>) {
    compare_all(telemetry, among_others, alone, with_foreign, |query| query.role().is_none()).await
}

/// The same for some of the queries.
pub(crate) async fn compare_all(
    telemetry: &Telemetry,
    among_others: &Asker,
    alone: &Asker,
    with_foreign: bool,
    which: impl Fn(&NamedQuery) -> bool,
) -> (usize, BTreeSet<String>) {
    let catalogue = Catalogue::embedded().unwrap();
    let (mut asked, mut answered, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for query in catalogue.iter().filter(|query| which(query)) {
        for question in questions(query, telemetry, with_foreign) {
            let (seen, expected) = tokio::join!(among_others.ask(&question), alone.ask(&question));
            assert_eq!(seen.0, expected.0, "{question}: {} {}", seen.1, expected.1);
            if seen.0 == StatusCode::FORBIDDEN {
                assert!(seen.1.contains("forbidden-query"), "{question}: {}", seen.1);
                continue;
            }
            assert_eq!(seen.0, StatusCode::OK, "{question}: {}", seen.1);
            asked += 1;
            if !seen.1.is_empty() {
                answered.insert(query.name().to_owned());
            }
            if let Some(difference) = differs(&seen.1, &expected.1) {
                wrong.push(format!("{question}\n    {difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} answers are others:\n{}", wrong.len(), wrong.join("\n"));
    (asked, answered)
}

#[tokio::test]
async fn no_query_with_any_parameter_answers_with_anything_of_another_tenant() {
    let telemetry = telemetry("isolation_tenant").await;
    let token = telemetry.analyst();
    let among_others = Asker::over(&telemetry.everybody, &telemetry, token).await;
    let alone = telemetry.only("TenantId = 'acme'").await;
    let alone = Asker::over(&alone, &telemetry, token).await;
    let (asked, answered) = compare(&telemetry, &among_others, &alone, true).await;
    assert!(asked > 300 && answered.len() > 70, "{asked} asked, {} with rows", answered.len());
    assert_eq!(
        about_a_session(),
        ["session_flow", "session_summary", "session_timeline"].map(str::to_owned).into()
    );
}

#[tokio::test]
async fn no_header_and_no_parameter_makes_another_tenant_of_a_caller() {
    let telemetry = telemetry("isolation_headers").await;
    let acme = Asker::over(&telemetry.everybody, &telemetry, telemetry.analyst()).await;
    let other = acme.with(telemetry.analyst_of_other());
    let mut told_apart = 0;
    for query in Catalogue::embedded().unwrap().iter().filter(|query| query.role().is_none()) {
        let question = questions(query, &telemetry, false).remove(0);
        let (plain, theirs) = tokio::join!(acme.ask(&question), other.ask(&question));
        let tricked = acme.ask_with(&question, &HEADERS).await;
        assert_eq!(differs(&plain.1, &tricked.1), None, "{question}");
        told_apart += usize::from(differs(&plain.1, &theirs.1).is_some());
        for parameter in FOREIGN_PARAMETERS {
            let (status, text) = acme.ask(&format!("{question}&{parameter}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{question}&{parameter}: {text}");
        }
    }
    assert!(told_apart > 70, "the two tenants' answers are told apart in {told_apart} queries only");
    for credentials in telemetry.wrong_credentials() {
        let (status, text) = acme.ask_as(&credentials).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{credentials:?}: {text}");
    }
}

/// The queries about one session.
fn about_a_session() -> BTreeSet<String> {
    let catalogue = Catalogue::embedded().unwrap();
    let about = catalogue.iter().filter(|query| query.is_about_a_session());
    about.map(|query| query.name().to_owned()).collect()
}

#[tokio::test]
async fn a_viewer_learns_nothing_of_other_users_and_a_team_nothing_of_other_teams() {
    let telemetry = telemetry("isolation_roles").await;
    let of_user = format!("TenantId = 'acme' AND UserId = '{}'", telemetry.own_user);
    let of_team = format!("TenantId = 'acme' AND TeamId = '{}'", telemetry.own_team);
    for (filter, condition, token, foreign) in [
        ("user", of_user, telemetry.viewer(), &telemetry.foreign.user),
        ("team", of_team, telemetry.team(), &telemetry.foreign.team),
    ] {
        let among_others = Asker::over(&telemetry.everybody, &telemetry, token).await;
        let alone = telemetry.only(&condition).await;
        let alone = Asker::over(&alone, &telemetry, token).await;
        let (asked, answered) = compare(&telemetry, &among_others, &alone, false).await;
        assert!(asked > 150 && answered.len() > 60, "{filter}: {asked} asked, {} with rows", answered.len());
        let about_a_session: BTreeSet<_> = about_a_session();
        assert!(about_a_session.is_subset(&answered), "{filter}: its own session is answered about");
        for query in about_a_session {
            for session in [&telemetry.others_session, &telemetry.foreign.session] {
                let question = format!("{query}.ndjson?{}&session={session}", telemetry.range);
                let (seen, expected) = tokio::join!(among_others.ask(&question), alone.ask(&question));
                let detail = format!("there is no session {session:?}").replace('"', "\\\"");
                for (status, text) in [seen, expected] {
                    assert_eq!(status, StatusCode::NOT_FOUND, "{question}: {text}");
                    assert!(text.contains("unknown-session") && text.contains(&detail), "{question}: {text}");
                }
            }
        }
        let mut refused = 0;
        for query in Catalogue::embedded().unwrap().iter().filter(|query| query.role().is_none()) {
            let question = questions(query, &telemetry, false).remove(0);
            let (status, text) = among_others.ask(&format!("{question}&{filter}={foreign}")).await;
            let is_fixed = text.contains("fixed-parameter") && text.contains(filter);
            assert_eq!(status, StatusCode::FORBIDDEN, "{question}: {text}");
            assert!(is_fixed || text.contains("forbidden-query"), "{question}: {text}");
            refused += usize::from(is_fixed);
        }
        assert!(refused > 80, "{filter}: {refused}");
    }
}
