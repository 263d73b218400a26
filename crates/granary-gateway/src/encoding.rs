//! Answers compressed on their way, as far as they have come.
//!
//! What has been compressed and not sent is sent on as soon as nothing more is there to be compressed at the moment, so
//! that a slow answer is not held back. An answer that fails ends without the end of its compressed form, too.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::write::GzEncoder;
use futures::Stream;
use http::{HeaderMap, HeaderValue, header};

use crate::format::quality;

/// Compressed bytes are sent on at this size, however much more there is.
const SENT_ON_BYTES: usize = 32 << 10;

/// How an answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    /// Not at all.
    Identity,
    /// By gzip.
    Gzip,
    /// By zstd.
    Zstd,
}

impl Encoding {
    /// Those that compress, the one that costs least first.
    pub(crate) const COMPRESSING: [Self; 2] = [Self::Zstd, Self::Gzip];

    /// What `Accept-Encoding` prefers; of equally welcome ones the cheaper. Whoever forbids everything gets the answer as
    /// it is, as RFC 9110 allows.
    pub(crate) fn preferred(headers: &HeaderMap) -> Self {
        let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<_> = given.flat_map(|value| value.split(',')).filter_map(read).collect();
        let weight = |names: &[&str]| {
            let named =
                ranges.iter().find(|(name, _)| names.iter().any(|one| name.eq_ignore_ascii_case(one)));
            let any = ranges.iter().find(|(name, _)| *name == "*");
            named.or(any).map_or(0, |(_, quality)| *quality)
        };
        let identity = ranges.iter().find(|(name, _)| name.eq_ignore_ascii_case("identity"));
        let mut best = (identity.map_or(1, |(_, quality)| *quality), Self::Identity);
        for encoding in Self::COMPRESSING.into_iter().rev() {
            let weight = weight(encoding.names());
            if weight > 0 && weight >= best.0 {
                best = (weight, encoding);
            }
        }
        best.1
    }

    /// What `Content-Encoding` says; nothing where it is left out.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        self.names().first().map(|name| HeaderValue::from_static(name))
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &[],
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Zstd => &["zstd"],
        }
    }

    /// Compresses what is there as a whole.
    pub(crate) fn encode(self, bytes: &Bytes) -> io::Result<Bytes> {
        let Some(mut encoder) = Encoder::new(self)? else { return Ok(bytes.clone()) };
        encoder.write(bytes)?;
        encoder.finish()
    }
}

fn read(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((name, weight.map_or(Some(1_000), quality)?))
}

/// A running compression into memory.
enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

/// Less than the default: the answer waits for it.
const GZIP_LEVEL: u32 = 4;

/// Zstandard's own default.
const ZSTD_LEVEL: i32 = 3;

impl Encoder {
    fn new(encoding: Encoding) -> io::Result<Option<Self>> {
        Ok(match encoding {
            Encoding::Identity => None,
            Encoding::Gzip => {
                Some(Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))))
            }
            Encoding::Zstd => Some(Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?)),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }

    fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Gzip(encoder) => encoder.finish().map(Bytes::from),
            Self::Zstd(encoder) => encoder.finish().map(Bytes::from),
        }
    }
}

/// An answer, compressed as it comes.
pub(crate) struct Encoded<S> {
    inner: S,
    /// None once nothing more is to come.
    encoder: Option<Encoder>,
    has_unsent: bool,
}

impl<S> Encoded<S> {
    pub(crate) fn new(inner: S, encoding: Encoding) -> io::Result<Option<Self>>
    where
        S: Sized,
    {
        Ok(Encoder::new(encoding)?.map(|encoder| Self { inner, encoder: Some(encoder), has_unsent: false }))
    }
}

impl<S, E> Stream for Encoded<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<axum::BoxError>,
{
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(encoder) = &mut this.encoder else { return Poll::Ready(None) };
        loop {
            match Pin::new(&mut this.inner).poll_next(context) {
                Poll::Ready(Some(Ok(piece))) => {
                    if let Err(error) = encoder.write(&piece) {
                        this.encoder = None;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    this.has_unsent = true;
                    if encoder.out().len() >= SENT_ON_BYTES {
                        return Poll::Ready(Some(Ok(std::mem::take(encoder.out()).into())));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    this.encoder = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(None) => {
                    let rest = this.encoder.take().map(Encoder::finish);
                    return Poll::Ready(rest.map(|rest| rest.map_err(Into::into)));
                }
                Poll::Pending if this.has_unsent => {
                    this.has_unsent = false;
                    if let Err(error) = encoder.flush() {
                        this.encoder = None;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    return Poll::Ready(Some(Ok(std::mem::take(encoder.out()).into())));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use futures::{SinkExt, StreamExt, channel::mpsc};

    use super::*;

    fn preferred(text: &'static str) -> Encoding {
        Encoding::preferred(&HeaderMap::from_iter([(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static(text),
        )]))
    }

    #[test]
    fn the_best_weight_wins_and_of_equal_ones_the_cheaper() {
        for (text, encoding) in [
            ("gzip, deflate, br, zstd", Encoding::Zstd),
            ("gzip, deflate, br", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("zstd;q=0.5, gzip", Encoding::Gzip),
            ("gzip;q=0.001", Encoding::Gzip),
            ("*", Encoding::Zstd),
            ("zstd;q=0, *", Encoding::Gzip),
            ("identity;q=0.8, gzip;q=0.5", Encoding::Identity),
            ("gzip;q=0", Encoding::Identity),
            ("br", Encoding::Identity),
            ("", Encoding::Identity),
            ("identity;q=0", Encoding::Identity),
        ] {
            assert_eq!(preferred(text), encoding, "{text}");
        }
        assert_eq!(Encoding::preferred(&HeaderMap::new()), Encoding::Identity);
    }

    /// What can be read of it, and whether it is whole.
    fn decoded(encoding: Encoding, bytes: &[u8]) -> (String, bool) {
        let mut out = Vec::new();
        let mut reader: Box<dyn Read> = match encoding {
            Encoding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
            _ => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
        };
        let whole = reader.read_to_end(&mut out).is_ok();
        (String::from_utf8(out).unwrap(), whole)
    }

    #[tokio::test]
    async fn what_has_come_is_sent_on_before_more_comes_and_the_end_is_written_last() {
        for encoding in Encoding::COMPRESSING {
            let (mut sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(4);
            let mut encoded = Encoded::new(receiver, encoding).unwrap().unwrap();
            sender.send(Ok(Bytes::from_static(b"first "))).await.unwrap();
            let mut sent = encoded.next().await.unwrap().unwrap().to_vec();
            assert_eq!(decoded(encoding, &sent), ("first ".to_owned(), false));
            sender.send(Ok(Bytes::from_static(b"second"))).await.unwrap();
            drop(sender);
            while let Some(piece) = encoded.next().await {
                sent.extend_from_slice(&piece.unwrap());
            }
            assert_eq!(decoded(encoding, &sent), ("first second".to_owned(), true));
        }
    }

    #[tokio::test]
    async fn an_answer_that_fails_has_no_end() {
        for encoding in Encoding::COMPRESSING {
            let pieces = [Ok(Bytes::from(vec![b'x'; 1_000])), Err(io::Error::other("cut"))];
            let encoded = Encoded::new(futures::stream::iter(pieces), encoding).unwrap().unwrap();
            let (pieces, errors): (Vec<_>, Vec<_>) =
                encoded.collect::<Vec<_>>().await.into_iter().partition(Result::is_ok);
            let sent: Vec<_> = pieces.into_iter().flat_map(Result::unwrap).collect();
            assert_eq!(errors.len(), 1);
            assert!(!decoded(encoding, &sent).1, "it does not look whole");
        }
    }

    #[test]
    fn a_whole_is_the_same_each_time() {
        let bytes = Bytes::from("a text ".repeat(1_000));
        for encoding in Encoding::COMPRESSING {
            let encoded = encoding.encode(&bytes).unwrap();
            assert_eq!(encoded, encoding.encode(&bytes).unwrap());
            assert!(encoded.len() < bytes.len() / 10);
            assert!(decoded(encoding, &encoded).1);
        }
    }
}
