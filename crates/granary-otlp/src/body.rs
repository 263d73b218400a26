//! What a body is encoded and compressed with, and the one decompressor that has a cap.

use std::io::Read;

use bytes::Bytes;

use crate::DecodeError;

/// The two encodings of OTLP over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Encoding {
    /// Reads a `Content-Type`, parameters such as `charset` aside. `None` is a type OTLP does not have.
    #[must_use]
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// The `Content-Type` of an answer in this encoding.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// The compressions a body may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Identity,
    /// RFC 1952; what OTLP senders use where they compress at all.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950, which HTTP calls `deflate`.
    Deflate,
}

impl Compression {
    /// Reads a `Content-Encoding`. `None` is one that is not supported, several in a row among them.
    #[must_use]
    pub fn from_content_encoding(content_encoding: &str) -> Option<Self> {
        match content_encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }

    /// Undoes the compression and stops as soon as more than `limit` bytes have come out, so that a small
    /// body cannot become a large allocation.
    ///
    /// # Errors
    ///
    /// The bytes are not what the sender said, or there are more of them than `limit`.
    pub fn decompress(self, body: Bytes, limit: usize) -> Result<Bytes, DecodeError> {
        let decompressed = match self {
            Self::Identity if body.len() > limit => return Err(DecodeError::TooLarge { limit }),
            Self::Identity => return Ok(body),
            Self::Gzip => read_capped(flate2::read::MultiGzDecoder::new(body.as_ref()), body.len(), limit),
            Self::Deflate => read_capped(flate2::read::ZlibDecoder::new(body.as_ref()), body.len(), limit),
            Self::Zstd => zstd::stream::read::Decoder::with_buffer(body.as_ref()).and_then(|mut decoder| {
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                read_capped(decoder, body.len(), limit)
            }),
        };
        match decompressed {
            Ok(Some(bytes)) => Ok(bytes.into()),
            Ok(None) => Err(DecodeError::TooLarge { limit }),
            Err(source) => Err(DecodeError::Decompress { encoding: self.name(), source }),
        }
    }
}

/// A zstd frame may ask for a window of its own choice; 8 MiB is what RFC 8878 asks every decoder to allow.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// Telemetry shrinks to about an eighth, so most bodies need no second allocation.
const USUAL_RATIO: usize = 8;

fn read_capped(reader: impl Read, compressed: usize, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut out = Vec::with_capacity(compressed.saturating_mul(USUAL_RATIO).min(limit));
    reader.take(limit as u64 + 1).read_to_end(&mut out)?;
    Ok((out.len() <= limit).then_some(out))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    fn deflate(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn each_compression_gives_back_what_went_in() {
        let text = b"claude_code.api_request".repeat(100);
        for (compression, body) in [
            (Compression::Identity, Bytes::from(text.clone())),
            (Compression::Gzip, gzip(&text)),
            (Compression::Deflate, deflate(&text)),
            (Compression::Zstd, zstd::encode_all(&text[..], 3).unwrap().into()),
        ] {
            assert_eq!(compression.decompress(body, text.len()).unwrap(), text, "{compression:?}");
        }
    }

    #[test]
    fn a_bomb_is_refused_once_the_limit_is_passed() {
        let zeros = vec![0; 10_000_000];
        for (compression, body) in [
            (Compression::Gzip, gzip(&zeros)),
            (Compression::Zstd, zstd::encode_all(&zeros[..], 3).unwrap().into()),
        ] {
            assert!(body.len() < 20_000);
            let refused = compression.decompress(body, 1_000_000);
            assert!(matches!(refused, Err(DecodeError::TooLarge { limit: 1_000_000 })), "{compression:?}");
        }
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_an_error_of_its_own() {
        for compression in [Compression::Gzip, Compression::Deflate, Compression::Zstd] {
            let refused = compression.decompress(Bytes::from_static(b"not compressed"), 1000);
            assert!(matches!(refused, Err(DecodeError::Decompress { .. })), "{compression:?}");
        }
        let cut = gzip(&b"x".repeat(1000)).slice(..15);
        assert!(matches!(Compression::Gzip.decompress(cut, 10_000), Err(DecodeError::Decompress { .. })));
    }

    #[test]
    fn content_types_are_read_with_parameters_and_in_any_case() {
        assert_eq!(Encoding::from_content_type("Application/JSON; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(Encoding::from_content_type("application/x-protobuf"), Some(Encoding::Protobuf));
        assert_eq!(Encoding::from_content_type("text/plain"), None);
    }
}
