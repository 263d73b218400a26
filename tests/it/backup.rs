//! What came after a backup comes back from the archive.
//!
//! The embedded engine has no `BACKUP`. What a restored backup is, a server whose tables have the rows of then in all of them, is
//! made here in the same way: from the parts of the tables, past the views.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use granary_archive::{Archive, ArchiveConfig, RestoreOptions};
use granary_clickhouse::Warehouse;

use crate::capture::Capture;
use crate::receiver::Receiver;
use crate::restored::{content, tables};

async fn contents(warehouse: &Warehouse) -> Vec<(&'static str, (u64, u64))> {
    let mut contents = Vec::new();
    for (table, sql) in tables() {
        contents.push((table, content(warehouse, &sql).await));
    }
    contents
}

/// Every table that holds rows.
async fn with_rows(warehouse: &Warehouse) -> Vec<String> {
    let sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name";
    warehouse.query(sql).fetch_all().await.unwrap()
}

#[tokio::test]
async fn what_came_after_a_backup_comes_back_from_the_archive() {
    let mut earlier = Capture::open().requests();
    let later = earlier.split_off(earlier.len() / 2);
    let receiver = Receiver::start("backup").await;
    let owner = receiver.warehouse.owner.clone();
    let all = with_rows(&owner).await;

    receiver.send_captured(earlier).await;
    receiver.accounting.settled().await;
    let backed_up = contents(&owner).await;
    for table in &all {
        owner.execute(&format!("CREATE TABLE `backup {table}` AS `{table}`")).await.unwrap();
        owner
            .execute(&format!("ALTER TABLE `backup {table}` ATTACH PARTITION ALL FROM `{table}`"))
            .await
            .unwrap();
    }

    receiver.send_captured(later).await;
    let _received = receiver.finish().await;
    let folder = tempfile::tempdir().unwrap();
    let config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    let archive = Archive::open(&config, owner.clone()).await.unwrap();
    for due in archive.due(SystemTime::now() + Duration::from_hours(1)).await.unwrap() {
        archive.archive_session(&due.tenant, &due.session).await.unwrap();
    }
    let whole = contents(&owner).await;
    assert_ne!(backed_up, whole, "something came after the backup");

    for table in &all {
        owner.execute(&format!("TRUNCATE TABLE `{table}`")).await.unwrap();
        owner
            .execute(&format!("ALTER TABLE `{table}` ATTACH PARTITION ALL FROM `backup {table}`"))
            .await
            .unwrap();
    }
    assert_eq!(contents(&owner).await, backed_up);
    for anything_is_missing in [true, false] {
        let restored: Vec<_> = archive.restore(&owner, RestoreOptions::default()).collect().await;
        let rows: u64 = restored.into_iter().map(|session| session.unwrap().restored).sum();
        assert_eq!(rows > 0, anything_is_missing, "{rows} rows");
        assert_eq!(contents(&owner).await, whole);
    }
}
