//! The queries that come with the binary.

use include_dir::{Dir, include_dir};

static QUERIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../queries");

/// Group, name and text of each.
pub(crate) fn files() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    QUERIES.dirs().flat_map(|group| {
        group.files().filter_map(|file| {
            let name = file.path().file_name()?.to_str()?.strip_suffix(".sql")?;
            Some((group.path().to_str()?, name, file.contents_utf8()?))
        })
    })
}
