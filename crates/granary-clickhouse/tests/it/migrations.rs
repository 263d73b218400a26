//! Each file is applied once, and a changed one is refused.

use granary_clickhouse::migrate::{self, MigrateError};

#[tokio::test]
async fn a_second_run_finds_nothing_to_do() {
    let test = granary_testkit::warehouse("migrate_twice").await;
    assert!(migrate::apply(&test.owner).await.unwrap().is_empty());
    let status = migrate::status(&test.owner).await.unwrap();
    assert_eq!((status.applied.len(), status.pending.len()), (migrate::all().len(), 0));
}

#[tokio::test]
async fn a_run_that_was_interrupted_ends_where_a_whole_one_ends() {
    let test = granary_testkit::warehouse("migrate_half").await;
    let prices = "SELECT count() FROM model_prices FINAL";
    let before: u64 = test.owner.query(prices).fetch_one().await.unwrap();
    test.owner.execute("TRUNCATE TABLE granary_migrations").await.unwrap();
    assert_eq!(migrate::apply(&test.owner).await.unwrap().len(), migrate::all().len());
    assert_eq!(test.owner.query(prices).fetch_one::<u64>().await.unwrap(), before);
}

#[tokio::test]
async fn a_file_changed_after_it_was_applied_is_refused() {
    let test = granary_testkit::warehouse("migrate_changed").await;
    let forge = "INSERT INTO granary_migrations (Version, Name, Checksum, AppliedAt) VALUES (1, 'logs', 'other', now64(3) + 1)";
    test.owner.execute(forge).await.unwrap();
    let error = migrate::status(&test.owner).await.unwrap_err();
    assert!(matches!(&error, MigrateError::Changed { migration, .. } if migration == "0001_logs"), "{error}");
}
