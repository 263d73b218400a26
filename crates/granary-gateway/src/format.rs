//! In which formats there are answers, and which one a client wants.
//!
//! | name | media type | who writes it |
//! |---|---|---|
//! | `json` | `application/json` | ClickHouse; integers that a reader would round are made strings here |
//! | `ndjson` | `application/x-ndjson` | the same |
//! | `csv` | `text/csv` | ClickHouse |
//! | `tsv` | `text/tab-separated-values` | ClickHouse; tabs and line breaks in texts are `\t` and `\n` |
//! | `parquet` | `application/vnd.apache.parquet` | ClickHouse, compressed by itself |
//! | `arrow` | `application/vnd.apache.arrow.stream` | ClickHouse, not compressed, which every reader can read |
//! | `prometheus` | `text/plain; version=0.0.4` | [`crate::write`]: ClickHouse's own needs columns of certain names |
//! | `markdown` | `text/markdown` | [`crate::write`]: ClickHouse's own lets line breaks and markup through |
//! | `table` | `text/plain` | [`crate::write`]: ClickHouse's own holds all rows to measure them, and lets control characters through |

use std::str::FromStr;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One document in the shape of ClickHouse's `JSON`.
    Json,
    /// A line of names and a line for each row.
    Csv,
    /// An object for each row, one a line.
    Ndjson,
    /// A line of names and a line for each row, with tabs between the values.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's stream.
    Arrow,
    /// Prometheus' text, of queries that declare what their values and labels are.
    Prometheus,
    /// A table for people and their documents.
    Markdown,
    /// A table for people at a terminal.
    Table,
}

impl Format {
    /// All formats; the first one is what those get who do not say.
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Tsv,
        Self::Parquet,
        Self::Arrow,
        Self::Prometheus,
        Self::Markdown,
        Self::Table,
    ];

    /// The name, which is the ending in an address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Prometheus => "prometheus",
            Self::Markdown => "markdown",
            Self::Table => "table",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Table => "text/plain; charset=utf-8",
        }
    }

    /// Whether its bytes are compressed as they are.
    pub(crate) const fn is_compressed(self) -> bool {
        matches!(self, Self::Parquet)
    }

    /// What ClickHouse is asked for.
    pub(crate) const fn engine_name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Csv => "CSVWithNames",
            Self::Ndjson => "JSONEachRow",
            Self::Tsv => "TabSeparatedWithNames",
            Self::Parquet => "Parquet",
            Self::Arrow => "ArrowStream",
            Self::Prometheus | Self::Markdown | Self::Table => "JSONCompactEachRowWithNamesAndTypes",
        }
    }

    /// The format that an `Accept` header prefers among those that are `offered`; `None` where it wants none of them.
    ///
    /// Of equally welcome ones, the first of [`Self::ALL`] is taken, but for `text/plain`, which is a table unless it has
    /// the `version` that Prometheus asks for.
    pub(crate) fn preferred<'a>(
        accept: impl Iterator<Item = &'a str>,
        offered: impl Fn(Self) -> bool,
    ) -> Option<Self> {
        let ranges: Vec<_> = accept.flat_map(|value| value.split(',')).filter_map(Range::read).collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(u16, Self)> = None;
        for format in Self::ALL.into_iter().filter(|format| offered(*format)) {
            // The most specific range that fits says how welcome it is.
            let fitting = ranges.iter().filter(|range| range.fits(format));
            let quality = fitting.max_by_key(|range| range.specificity()).map_or(0, |range| range.quality);
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format)
    }
}

/// One piece of an `Accept` header.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    has_version: bool,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Self { kind, subtype, has_version: false, quality: 1_000 };
        for part in parts {
            let (name, value) = part.split_once('=')?;
            if name.eq_ignore_ascii_case("q") {
                range.quality = quality(value)?;
            }
            range.has_version |= name.eq_ignore_ascii_case("version");
        }
        Some(range)
    }

    fn fits(&self, format: Format) -> bool {
        let own = format.content_type().split(';').next().unwrap_or_default();
        let (kind, subtype) = own.split_once('/').unwrap_or_default();
        let same = |given: &str, own: &str| given == "*" || given.eq_ignore_ascii_case(own);
        let is_jsonl = format == Format::Ndjson
            && ["jsonl", "ndjson", "x-jsonlines"].iter().any(|name| self.subtype.eq_ignore_ascii_case(name));
        let is_plain = self.subtype.eq_ignore_ascii_case("plain");
        let version_fits = !is_plain || self.has_version == (format == Format::Prometheus);
        same(self.kind, kind) && (same(self.subtype, subtype) || is_jsonl) && version_fits
    }

    fn specificity(&self) -> (bool, bool) {
        (self.subtype != "*", self.kind != "*")
    }
}

/// A weight as RFC 9110 writes it, in thousandths.
pub(crate) fn quality(text: &str) -> Option<u16> {
    let weight: f32 = text.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    Some((weight * 1000.0).round() as u16)
}

/// The text is no format's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format; there are {names}", names = Format::ALL.map(Format::name).join(", "))]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| FormatError(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &str) -> Option<Format> {
        Format::preferred([accept].into_iter(), |_| true)
    }

    #[test]
    fn the_best_weight_wins_and_the_most_specific_range_gives_it() {
        for (accept, format) in [
            ("*/*", Some(Format::Json)),
            ("text/csv", Some(Format::Csv)),
            ("TEXT/CSV;q=0.5, application/json;q=0.4", Some(Format::Csv)),
            ("text/*", Some(Format::Csv)),
            ("text/csv;q=0, text/*;q=0.9", Some(Format::Tsv)),
            ("application/json;q=0, */*", Some(Format::Ndjson)),
            ("application/jsonl", Some(Format::Ndjson)),
            ("text/plain", Some(Format::Table)),
            ("text/markdown, text/plain;q=0.9", Some(Format::Markdown)),
            ("application/vnd.apache.parquet", Some(Format::Parquet)),
            ("application/vnd.apache.arrow.stream", Some(Format::Arrow)),
            ("image/png", None),
            ("text/csv;q=0", None),
            ("text/csv;q=2", Some(Format::Json)),
            ("nonsense", Some(Format::Json)),
        ] {
            assert_eq!(preferred(accept), format, "{accept}");
        }
    }

    #[test]
    fn what_prometheus_sends_is_answered_in_its_format_where_there_is_one() {
        let sent =
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2";
        assert_eq!(preferred(sent), Some(Format::Prometheus));
        let without = Format::preferred([sent].into_iter(), |format| format != Format::Prometheus);
        assert_eq!(without, Some(Format::Json));
    }

    #[test]
    fn a_format_is_found_by_its_name_alone() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
        }
        assert!("JSON".parse::<Format>().unwrap_err().to_string().contains("there are json, ndjson, csv"));
    }
}
