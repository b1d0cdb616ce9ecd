//! Objects that are stored compressed, handed over as what they are.

use std::io;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use dify_plugin::Error;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio_util::io::{ReaderStream, StreamReader};

/// Longest file that a compressed object may become: gzip makes up to a thousand bytes of one.
pub(crate) const MAX_DECODED: u64 = 4 << 30;

/// Bytes that are decoded at a time.
const PIECE: usize = 64 * 1024;

/// Whether an object of this `Content-Encoding` is decoded. Others are handed over as they are stored.
pub(crate) fn is_gzip(content_encoding: Option<&str>) -> bool {
    content_encoding
        .map(str::trim)
        .is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip"))
}

/// What `stored` holds in gzip form, at most `most` bytes. Its errors come through as they are, and all of it is read to
/// its end, so that what is checked there has been checked.
pub(crate) fn gunzip(
    stored: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    key: String,
    most: u64,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let mut decoder = GzipDecoder::new(StreamReader::new(Box::pin(stored).map_err(io::Error::other)));
    // A file may be made of several gzip files one after the other; only this way it is read to its end as well.
    decoder.multiple_members(true);
    let pieces = ReaderStream::with_capacity(decoder, PIECE);
    stream::unfold((Some(pieces), 0_u64), move |(pieces, before)| {
        let key = key.clone();
        async move {
            let mut pieces = pieces?;
            let (outcome, decoded) = match pieces.next().await? {
                Ok(piece) => {
                    let decoded = before.saturating_add(piece.len() as u64);
                    (if decoded > most { Err(too_large(&key, most)) } else { Ok(piece) }, decoded)
                }
                Err(error) => (Err(undecodable(&key, &error)), before),
            };
            let rest = outcome.is_ok().then_some(pieces);
            Some((outcome, (rest, decoded)))
        }
    })
    .fuse()
}

fn too_large(key: &str, most: u64) -> Error {
    Error::failed(format!("object {key:?} is stored compressed and becomes larger than {most} bytes: not delivered"))
}

/// COS's own error where the object could not be read; otherwise what is wrong with the object.
fn undecodable(key: &str, error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(cause) => cause.clone(),
        None => Error::failed(format!(
            "object {key:?} cannot be decoded: its Content-Encoding says gzip, and its bytes are none ({error}). Correct \
             the Content-Encoding in COS, or upload the object again"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "hello, hello, hello\n" in gzip form.
    const HELLO: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8,
        0x40, 0xa2, 0xb8, 0x00, 0xe7, 0x42, 0x6e, 0x52, 0x14, 0x00, 0x00, 0x00,
    ];

    async fn decode(stored: Vec<Result<Bytes, Error>>, most: u64) -> Result<Vec<u8>, Error> {
        let pieces: Vec<_> = gunzip(stream::iter(stored), "k".to_owned(), most).try_collect().await?;
        Ok(pieces.concat())
    }

    fn in_pieces(bytes: &[u8]) -> Vec<Result<Bytes, Error>> {
        bytes.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
    }

    #[test]
    fn which_encodings_are_decoded() {
        assert!(is_gzip(Some("gzip")) && is_gzip(Some(" GZIP ")) && is_gzip(Some("x-gzip")));
        for other in [None, Some(""), Some("identity"), Some("br"), Some("gzip, br")] {
            assert!(!is_gzip(other), "{other:?}");
        }
    }

    #[tokio::test]
    async fn it_decodes_one_and_several() {
        assert_eq!(decode(in_pieces(HELLO), 20).await.unwrap(), b"hello, hello, hello\n");
        let twice = [HELLO, HELLO].concat();
        assert_eq!(decode(in_pieces(&twice), 40).await.unwrap(), b"hello, hello, hello\n".repeat(2));
    }

    #[tokio::test]
    async fn the_bound_holds() {
        let error = decode(in_pieces(HELLO), 19).await.unwrap_err();
        assert!(error.message().contains("larger than 19 bytes"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_gzip_or_half_of_it_is_said() {
        for stored in [&b"plain text"[..], &HELLO[..20], &[HELLO, b"rubbish"].concat()] {
            let error = decode(in_pieces(stored), 1000).await.unwrap_err();
            assert!(error.message().contains("Content-Encoding says gzip"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_error_of_the_object_stays_what_it_is() {
        let mut stored = in_pieces(HELLO);
        stored.push(Err(Error::named("Cos", "damaged")));
        assert_eq!(decode(stored, 1000).await.unwrap_err(), Error::named("Cos", "damaged"));
    }
}
