//! Sessions named to reach somewhere else stay in their place and are found again.

use std::path::{Component, Path};

use granary_model::TenantId;

use crate::support::{Fixture, INGESTED_MS, event, records, store_at};

#[tokio::test]
async fn sessions_with_hostile_names_are_archived_inside_the_folder_and_read_back() {
    let fixture = Fixture::new("hostile").await;
    let long = "../".repeat(2_000);
    let sessions = [
        "..",
        ".",
        "../../../../../../tmp/escaped",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:\\x",
        "%2E%2E",
        "null\0byte",
        "line\nbreak\ttab",
        "quote'\"`;--",
        "{tenant:String}",
        "漢字🦀",
        " ",
        &long,
    ];
    let names = sessions.map(|session| ("default", session)).into_iter().chain([
        ("../up", ".."),
        (".", "s"),
        ("", "s"),
    ]);
    for (second, (tenant, session)) in (0..).zip(names) {
        store_at(&fixture.warehouse.owner, tenant, INGESTED_MS, &records(vec![event(session, second, 0)]))
            .await;
        let tenant = TenantId::new(tenant);
        let archived = fixture.archive.archive_session(&tenant, session).await.unwrap();
        assert_eq!(archived.contents.logs, 1);
        fixture.archive.verify_session(&tenant, session).await.unwrap();
        let key = archived.key.to_string();
        assert!(Path::new(&key).components().all(|part| matches!(part, Component::Normal(_))), "{key}");
        assert!(fixture.folder.path().join(key).is_file());
    }
    assert_eq!(fixture.objects().len(), sessions.len() + 3);
    assert!(fixture.due().await.is_empty());
}
