//! Two tenants' telemetry in one warehouse, and warehouses that hold a part of it.

use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt};
use granary_access::{Key, KeyFile, KeyFileError, NewKey, Role, Token};
use granary_clickhouse::TABLES;
use granary_ingest::IngestConfig;
use granary_simulate::{Request, SimulatedSession, Team};
use granary_testkit::TestWarehouse;
use jiff::Timestamp;
use prost::Message;

use crate::receiver::{Receiver, config};

pub(crate) struct Telemetry {
    pub(crate) everybody: TestWarehouse,
    /// `from` and `to` of every question: from the first event to the last.
    pub(crate) range: String,
    pub(crate) own_user: String,
    pub(crate) own_team: String,
    pub(crate) own_session: String,
    /// One of the same tenant's, of another user and team.
    pub(crate) others_session: String,
    pub(crate) foreign: Foreign,
    tokens: Tokens,
    dir: tempfile::TempDir,
    name: &'static str,
}

/// What the other tenant has, or other users and teams of the same.
pub(crate) struct Foreign {
    pub(crate) user: String,
    pub(crate) team: String,
    pub(crate) project: String,
    pub(crate) session: String,
}

struct Tokens {
    analyst: Token,
    of_other: Token,
    viewer: Token,
    team: Token,
    admin: Token,
    sender: Token,
}

/// 20 November 2026, 12:00 UTC.
const END: u64 = 1_795_176_000_000_000_000;
const DAY_NANOS: u64 = 86_400_000_000_000;
const RANGE: &str = "from=2026-11-15T00:00:00Z&to=2026-11-20T12:00:00Z";
const USERS: usize = 6;
const SESSIONS: usize = 14;
const REQUESTS_AT_ONCE: usize = 32;

/// Makes a key and puts it into a file of keys.
pub(crate) fn add(file: &std::path::Path, new: NewKey) -> Token {
    let (key, token) = Key::generate(new, Timestamp::now());
    KeyFile::change(file, |file| {
        file.keys.push(key);
        Ok::<_, KeyFileError>(())
    })
    .unwrap();
    token
}

fn sessions(seed: u64) -> Vec<SimulatedSession> {
    Team::new(seed, USERS).sessions(END - 5 * DAY_NANOS, END, SESSIONS).collect()
}

async fn send(receiver: &Receiver, token: &Token, sessions: &[SimulatedSession]) {
    let bodies = sessions.iter().flat_map(SimulatedSession::requests).map(|request| match request.body {
        Request::Logs(request) => ("logs", request.encode_to_vec()),
        Request::Metrics(request) => ("metrics", request.encode_to_vec()),
        Request::Traces(request) => ("traces", request.encode_to_vec()),
    });
    let post = |signal: &str, body: Vec<u8>| {
        let request = receiver.post(signal).header("Content-Type", "application/x-protobuf");
        let request = request.bearer_auth(token.reveal()).body(body);
        async move { request.send().await?.error_for_status() }
    };
    futures::stream::iter(bodies)
        .map(|(signal, body)| post(signal, body))
        .buffer_unordered(REQUESTS_AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await
        .unwrap();
}

pub(crate) async fn telemetry(name: &'static str) -> Telemetry {
    telemetry_in(name, granary_testkit::warehouse(name).await).await
}

/// The same in a warehouse that is there.
pub(crate) async fn telemetry_in(name: &'static str, warehouse: TestWarehouse) -> Telemetry {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.toml");
    let of = |tenant: &str, role| NewKey { tenant: tenant.to_owned(), role, ..NewKey::default() };
    let [acme, other] = ["acme", "other"].map(|tenant| add(&file, of(tenant, Role::Ingest)));
    let into = warehouse.owner.clone();
    let receiver =
        Box::pin(Receiver::start_on(warehouse, into, IngestConfig { keys_file: file.clone(), ..config() }))
            .await;
    let (ours, theirs) = (sessions(7), sessions(8));
    send(&receiver, &acme, &ours).await;
    send(&receiver, &other, &theirs).await;
    // The same ids in the other tenant, too.
    send(&receiver, &other, &ours[..ours.len() / 2]).await;
    let everybody = receiver.finish().await;

    let (own_user, own_team, own_session): (String, String, String) = everybody
        .owner
        .query(
            "SELECT toString(UserId), toString(any(TeamId)), argMax(SessionId, Timestamp) FROM otel_logs \
             WHERE TenantId = 'acme' AND UserId != '' GROUP BY UserId ORDER BY count() DESC LIMIT 1",
        )
        .fetch_one()
        .await
        .unwrap();
    let others_session: String = everybody
        .owner
        .query(
            "SELECT SessionId FROM otel_logs WHERE TenantId = 'acme' GROUP BY SessionId \
             HAVING max(UserId) NOT IN ('', {user:String}) AND max(TeamId) NOT IN ('', {team:String}) \
             ORDER BY SessionId LIMIT 1",
        )
        .param("user", &own_user)
        .param("team", &own_team)
        .fetch_one()
        .await
        .unwrap();
    let foreign: (String, String, String, String) = everybody
        .owner
        .query(
            "SELECT toString(UserId), toString(TeamId), toString(Project), SessionId FROM otel_logs \
             WHERE TenantId = 'other' AND UserId != {user:String} AND TeamId NOT IN ('', {team:String}) \
             AND SessionId NOT IN (SELECT SessionId FROM otel_logs WHERE TenantId = 'acme') \
             ORDER BY Timestamp LIMIT 1",
        )
        .param("user", &own_user)
        .param("team", &own_team)
        .fetch_one()
        .await
        .unwrap();
    let (user, team, project, session) = foreign;
    let tokens = Tokens {
        analyst: add(&file, of("acme", Role::Analyst)),
        of_other: add(&file, of("other", Role::Analyst)),
        viewer: add(&file, NewKey { user: Some(own_user.clone()), ..of("acme", Role::Viewer) }),
        team: add(&file, NewKey { team: Some(own_team.clone()), ..of("acme", Role::Team) }),
        admin: add(&file, of("acme", Role::Admin)),
        sender: acme,
    };
    let foreign = Foreign { user, team, project, session };
    let range = RANGE.to_owned();
    Telemetry {
        everybody,
        range,
        own_user,
        own_team,
        own_session,
        others_session,
        foreign,
        tokens,
        dir,
        name,
    }
}

impl Telemetry {
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.dir.path().join("keys.toml")
    }

    pub(crate) fn analyst(&self) -> &str {
        self.tokens.analyst.reveal()
    }

    pub(crate) fn analyst_of_other(&self) -> &str {
        self.tokens.of_other.reveal()
    }

    pub(crate) fn viewer(&self) -> &str {
        self.tokens.viewer.reveal()
    }

    pub(crate) fn admin(&self) -> &str {
        self.tokens.admin.reveal()
    }

    pub(crate) fn team(&self) -> &str {
        self.tokens.team.reveal()
    }

    /// A warehouse with nothing but the rows of that condition, as if nothing else had ever come. The rollups make
    /// themselves of them.
    pub(crate) async fn only(&self, condition: &str) -> TestWarehouse {
        let alone = granary_testkit::warehouse(self.name).await;
        let database = &self.everybody.owner_config.database;
        for table in TABLES {
            let copy = format!("INSERT INTO {table} SELECT * FROM {database}.{table} WHERE {condition}");
            alone.owner.execute(&copy).await.unwrap();
        }
        if condition == "TenantId = 'acme'" {
            let copy = format!(
                "INSERT INTO ingest_accounting SELECT * FROM {database}.ingest_accounting WHERE {condition}"
            );
            alone.owner.execute(&copy).await.unwrap();
        }
        alone
    }

    /// What is shown in place of a key and is none.
    pub(crate) fn wrong_credentials(&self) -> Vec<Vec<(&'static str, String)>> {
        let bearer = |token: &str| ("Authorization", format!("Bearer {token}"));
        let good = self.analyst();
        let swapped = good.replace(&good[4..12], &self.analyst_of_other()[4..12]);
        vec![
            vec![],
            vec![bearer("")],
            vec![bearer(&good[..good.len() - 1])],
            vec![bearer(&swapped)],
            vec![bearer("eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJvdGhlciJ9.")],
            vec![("Authorization", "Basic ZGVmYXVsdDo=".to_owned())],
            vec![("X-ClickHouse-Key", good.to_owned())],
            vec![bearer(good), ("X-Api-Key", self.analyst_of_other().to_owned())],
            vec![("X-Api-Key", self.tokens.sender.reveal().to_uppercase())],
        ]
    }
}
