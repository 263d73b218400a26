//! Which objects a bucket has, a page of names at a time.

use std::collections::VecDeque;

use futures::stream::{self, BoxStream, StreamExt as _};

use super::S3Store;
use crate::store::StoreError;
use crate::{ListedKey, ObjectKey};

impl S3Store {
    /// The objects under a part of a key, in the order of their keys.
    pub(in crate::store) fn list(&self, prefix: &str) -> BoxStream<'static, Result<ListedKey, StoreError>> {
        let below =
            if self.place.prefix.is_empty() { String::new() } else { format!("{}/", self.place.prefix) };
        let pages = Pages {
            prefix: format!("{below}{prefix}"),
            below,
            store: self.clone(),
            page: VecDeque::new(),
            token: None,
            ended: false,
        };
        stream::try_unfold(pages, |mut pages| async move { Ok(pages.next().await?.map(|key| (key, pages))) })
            .boxed()
    }
}

struct Pages {
    store: S3Store,
    /// What stands in front of every key of this store.
    below: String,
    prefix: String,
    page: VecDeque<String>,
    /// Where the next page begins.
    token: Option<String>,
    ended: bool,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<ListedKey>, StoreError> {
        loop {
            if let Some(name) = self.page.pop_front() {
                let name = name.strip_prefix(&self.below).unwrap_or(&name).to_owned();
                return Ok(Some(name.parse::<ObjectKey>().map_err(|_| name)));
            }
            if self.ended {
                return Ok(None);
            }
            let S3Store { client, place } = &self.store;
            let asked = client.list_objects_v2().bucket(&place.bucket).prefix(&self.prefix);
            let page = asked.set_continuation_token(self.token.take()).send().await;
            let page = page.map_err(|error| place.fault("ListObjectsV2", &error))?;
            self.token = page.next_continuation_token;
            self.ended = self.token.is_none();
            self.page =
                page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect();
        }
    }
}
