//! A session as a file: its archived object, and its events.

use axum::body::Body;
use granary_archive::{Archive, ArchiveConfig};
use granary_clickhouse::Warehouse;
use granary_gateway::Catalogue;
use granary_model::TenantId;
use granary_testkit::{TestS3, s3};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestGateway, archive, filled, sample};

/// A gateway over a sample of its own, of which s0 is archived, for both tenants.
struct Archived {
    gateway: TestGateway,
    object: Vec<u8>,
    _folder: TempDir,
    _bucket: TestS3,
}

async fn archived(in_s3: bool) -> Archived {
    let warehouse = filled("sessions").await;
    let folder = tempfile::tempdir().unwrap();
    let bucket = s3("telemetry").await;
    let mut config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    if in_s3 {
        config.url = format!("s3://{}/granary", bucket.bucket);
        config.s3.endpoint = Some(bucket.endpoint.clone());
        config.s3.path_style = true;
        config.s3.access_key_id = Some(bucket.access_key_id.clone());
        config.s3.secret_access_key = Some(bucket.secret_access_key.clone());
    }
    let owner = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    for tenant in ["default", "other"] {
        owner.archive_session(&TenantId::new(tenant), "s0").await.unwrap();
    }
    let key = "sessions/2026/11/19/s0.jsonl.gz";
    let path = if in_s3 { bucket.object_path(&format!("granary/{key}")) } else { folder.path().join(key) };
    let object = std::fs::read(path).unwrap();
    let reader = Archive::open(&config, Warehouse::new(&warehouse.reader_config)).await.unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let gateway = TestGateway::over(&warehouse.reader_config, catalogue, Some(reader), |_| {});
    Archived { gateway, object, _folder: folder, _bucket: bucket }
}

impl Archived {
    /// Status, one header and the bytes of `/v1/sessions/s0/archive`.
    async fn fetch(&self, given: &[(&str, &str)], header: &str) -> (StatusCode, String, Vec<u8>) {
        let mut request = Request::get("/v1/sessions/s0/archive");
        for (name, value) in given {
            request = request.header(*name, *value);
        }
        let (parts, body) = self.gateway.begin(request.body(Body::empty()).unwrap()).await.into_parts();
        let header = parts.headers.get(header).map(|value| value.to_str().unwrap().to_owned());
        (parts.status, header.unwrap_or_default(), body.collect().await.unwrap().to_bytes().into())
    }
}

#[tokio::test]
async fn an_archived_object_is_fetched_whole_in_part_and_not_again() {
    for in_s3 in [false, true] {
        let archived = archived(in_s3).await;
        let size = archived.object.len();
        let (status, tag, bytes) = archived.fetch(&[], "etag").await;
        assert_eq!((status, bytes == archived.object), (StatusCode::OK, true));
        assert!(tag.len() > 64 && tag.starts_with('"'), "{tag}");
        let (_, name, _) = archived.fetch(&[], "content-disposition").await;
        assert_eq!(name, "attachment; filename=\"s0.jsonl.gz\"");

        for (range, from, to) in
            [("bytes=0-9", 0, 10), ("bytes=100-", 100, size), ("bytes=-7", size - 7, size)]
        {
            let (status, of, bytes) = archived.fetch(&[("range", range)], "content-range").await;
            assert_eq!(
                (status, of),
                (StatusCode::PARTIAL_CONTENT, format!("bytes {from}-{}/{size}", to - 1))
            );
            assert!(bytes == archived.object[from..to], "{range}, in S3: {in_s3}");
        }
        let (status, of, _) = archived.fetch(&[("range", "bytes=999999999-")], "content-range").await;
        assert_eq!((status, of), (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{size}")));
        let (status, _, bytes) =
            archived.fetch(&[("range", "bytes=0-9"), ("if-range", "\"another\"")], "etag").await;
        assert_eq!((status, bytes.len()), (StatusCode::OK, size), "a part of another version is of no use");

        let (status, same, bytes) = archived.fetch(&[("if-none-match", &tag)], "etag").await;
        assert_eq!((status, same, bytes), (StatusCode::NOT_MODIFIED, tag, vec![]));
        let (status, ..) = archived.fetch(&[("if-match", "\"another\"")], "etag").await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    }
}

#[tokio::test]
async fn a_session_that_is_not_archived_has_no_object_yet() {
    let catalogue = Catalogue::embedded().unwrap();
    let gateway = TestGateway::over(&sample().await.reader_config, catalogue, Some(archive().await), |_| {});
    let reply = gateway.get("/v1/sessions/s0/archive").await;
    assert_eq!(
        (reply.status, &reply.problem()["type"]),
        (StatusCode::NOT_FOUND, &"urn:granary:problem:not-archived".into())
    );
}

#[tokio::test]
async fn events_come_as_json_lines_and_as_csv_with_the_same_values() {
    let archived = archived(false).await;
    let ndjson = archived.gateway.get("/v1/sessions/s0/events.ndjson").await;
    assert_eq!(ndjson.headers["content-type"], "application/x-ndjson");
    let events: Vec<Value> = ndjson.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 50);
    assert!(events.iter().all(|event| event["session"] == "s0" && event["user"] != "theirs@example.com"));

    let csv = archived.gateway.get("/v1/sessions/s0/events.csv?to=2026-11-19T08:01:00Z").await;
    insta::assert_snapshot!(csv.text(), @r#"
    "id","time","signal","name","session","prompt","user","team","project","service","severity","body","trace_id","span_id","parent_span_id","duration_ms","status","value","unit","attributes"
    1795075200000000000-0,"2026-11-19T08:00:00.000000000Z","logs","user_prompt","s0","0","user0@example.com","team0","granary",,,"claude_code.user_prompt",,,,,,,,"{""attempt"":"""",""cache_creation_tokens"":"""",""cache_read_tokens"":"""",""cost_usd"":"""",""decision"":"""",""duration_ms"":""100"",""error"":"""",""event.name"":""user_prompt"",""event.sequence"":""0"",""input_tokens"":"""",""model"":"""",""output_tokens"":"""",""prompt.id"":""0"",""session.id"":""s0"",""source"":"""",""status_code"":"""",""success"":"""",""terminal.type"":""vscode"",""tool_name"":"""",""user.email"":""user0@example.com""}"
    "#);
    let none = archived.gateway.get("/v1/sessions/s0/events.csv?signals=traces").await;
    assert_eq!((none.status, none.text().lines().count()), (StatusCode::OK, 1), "a line of names");
    let unknown = archived.gateway.get("/v1/sessions/nobody/events.ndjson").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let speed = archived.gateway.get("/v1/sessions/s0/events.csv?speed=1").await;
    assert_eq!(speed.problem()["detail"], "there is no parameter \"speed\"; there are from, to, signals");
}
