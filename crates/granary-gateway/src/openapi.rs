//! The interface as an `OpenAPI` 3.1 document, made from the catalogue in force.
//!
//! What queries take stands in their headers, what they answer the engine is asked, once for each version of a
//! catalogue: soon after it came into force ([`keep_known`]), or when the document is wanted before that. The rest is
//! written in [`routes`]; a test holds it against the router, and one against real answers. The document is built as JSON
//! rather than with the types of a crate: nearly all of it is made from data, of which such types know nothing.

mod problems;
mod queries;
mod routes;
mod types;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use granary_clickhouse::Warehouse;
use http::header;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::catalogue::{InspectError, column_types};
use crate::problem::Problem;
use crate::router::GatewayState;
use crate::{Catalogue, Inspection, LiveCatalogue, NamedQuery};

/// Queries that the engine is asked about at the same time.
const ASKED_AT_ONCE: usize = 4;

/// How long after a catalogue came into force, or the engine had no answer, it is asked: a gateway that has just begun has
/// better things to do, and so have those who wait for it.
const AT_LEISURE: Duration = Duration::from_secs(5);

/// The document of the catalogue in force, once it was asked for.
#[derive(Debug, Default)]
pub(crate) struct OpenApi(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    document: Option<(Arc<Catalogue>, Bytes)>,
    /// What the engine said of each query, by name, and of which version of it. It said nothing of what it refuses.
    inspected: BTreeMap<String, (Arc<NamedQuery>, Option<Inspection>)>,
}

/// `GET /openapi.json`
pub(crate) async fn show(State(state): State<GatewayState>) -> Response {
    let (openapi, catalogue) = (Arc::clone(&state.openapi), state.catalogue.current());
    // A client that does not wait for the first document leaves it to the next one.
    let made = tokio::spawn(async move { openapi.of(catalogue, state.runner.warehouse()).await });
    match made.await {
        Ok((text, _)) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

impl OpenApi {
    /// Makes the document, or takes the one there is; says whether it is whole. One at a time: what the others wait for is
    /// there for all of them.
    async fn of(&self, catalogue: Arc<Catalogue>, warehouse: &Warehouse) -> (Bytes, bool) {
        let mut made = self.0.lock().await;
        if let Some((of, text)) = made.document.as_ref()
            && Arc::ptr_eq(of, &catalogue)
        {
            return (text.clone(), true);
        }
        let is_whole = made.inspect(&catalogue, warehouse).await;
        let text = Bytes::from(document(&catalogue, &made).to_string());
        if is_whole {
            made.document = Some((catalogue, text.clone()));
        }
        (text, is_whole)
    }
}

/// Sees to it that the document is there before somebody wants it, until told to stop.
pub(crate) async fn keep_known(
    openapi: Arc<OpenApi>,
    catalogue: LiveCatalogue,
    warehouse: Warehouse,
    stop: CancellationToken,
) {
    let mut changes = catalogue.changes();
    let keeping = async {
        loop {
            tokio::time::sleep(AT_LEISURE).await;
            let catalogue = Arc::clone(&changes.borrow_and_update());
            let (_, is_whole) = openapi.of(catalogue, &warehouse).await;
            if is_whole && changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = keeping => {}
    }
}

impl Made {
    /// Asks the engine about every query that is new. Where it cannot be asked, columns have no types, and it is asked
    /// again the next time.
    async fn inspect(&mut self, catalogue: &Catalogue, warehouse: &Warehouse) -> bool {
        self.inspected.retain(|name, (of, _)| catalogue.get(name).is_some_and(|now| Arc::ptr_eq(now, of)));
        let new: Vec<_> =
            catalogue.iter().filter(|query| !self.inspected.contains_key(query.name())).cloned().collect();
        let mut asked = stream::iter(new)
            .map(|query| async move {
                let inspected = column_types(warehouse, &query).await;
                (query, inspected)
            })
            .buffered(ASKED_AT_ONCE);
        let mut is_whole = true;
        while let Some((query, inspected)) = asked.next().await {
            let inspection = match inspected {
                Ok(inspection) => Some(inspection),
                Err(InspectError::Unavailable { .. }) => return false,
                // A table may come with a migration.
                Err(InspectError::Unready { .. }) => {
                    is_whole = false;
                    continue;
                }
                Err(error) => {
                    tracing::debug!(query = query.name(), %error, "a query's columns have no types");
                    None
                }
            };
            self.inspected.insert(query.name().to_owned(), (query, inspection));
        }
        is_whole
    }

    fn of(&self, query: &NamedQuery) -> Option<&Inspection> {
        self.inspected.get(query.name())?.1.as_ref()
    }
}

fn document(catalogue: &Catalogue, made: &Made) -> Value {
    let mut groups: Vec<_> = catalogue.iter().map(|query| query.group()).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut paths = routes::paths(&groups);
    let mut schemas = routes::schemas();
    for query in catalogue.iter() {
        paths.insert(format!("/v1/queries/{}.{{format}}", query.name()), queries::path(query));
        schemas.insert(queries::row_name(query), queries::row(query, made.of(query)));
        schemas.insert(queries::answer_name(query), queries::answer(query));
    }
    let responses = problems::responses(&paths);
    let tag = |name: &str, description: &str| json!({ "name": name, "description": description });
    let mut tags: Vec<_> =
        groups.iter().map(|group| tag(group, &format!("named queries about {group}"))).collect();
    tags.extend(routes::TAGS.iter().map(|(name, description)| tag(name, description)));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Granary",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The warehouse for coding-agent telemetry",
            "description": "Named queries over what coding agents did, and sessions as they went. Parameters are values \
                that the server binds; whose data are read follows from who asks. Every error is a problem of RFC 9457 with the \
                request's id.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "bearer": [] }, { "api_key": [] }, { "basic": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": routes::parameters(),
            "headers": routes::headers(),
            "responses": responses,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "a key's token, or a JWT" },
                "api_key": { "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "a key's token" },
                "basic": { "type": "http", "scheme": "basic", "description": "a key's token as the password" },
            },
        },
    })
}

fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}

/// An object of one of a few things by name.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
