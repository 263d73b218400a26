//! The objects of a bucket, page by page.

use aws_sdk_s3::types::Object;

use super::S3Store;
use crate::store::{Entry, StoreError};

impl S3Store {
    /// A page of the objects whose keys come after the given one, in the order of their keys' bytes. An empty page is
    /// the end.
    pub(in crate::store) async fn page(&self, after: Option<&str>) -> Result<Vec<Entry>, StoreError> {
        let beginning = self.place.beginning();
        let list = self.client.list_objects_v2().bucket(&self.place.bucket).prefix(&beginning);
        let list = list.set_start_after(after.map(|after| format!("{beginning}{after}")));
        let page = list.send().await.map_err(|error| self.place.fault("ListObjectsV2", &error))?;
        let entry = |object: Object| {
            Some(Entry {
                key: object.key?.strip_prefix(&beginning)?.to_owned(),
                size_bytes: u64::try_from(object.size.unwrap_or_default()).unwrap_or_default(),
            })
        };
        Ok(page.contents.unwrap_or_default().into_iter().filter_map(entry).collect())
    }
}
