use bytes::Bytes;
use crc64fast::Digest;
use futures_util::{Stream, stream};
use http::StatusCode;
use http::header::{CONTENT_RANGE, HeaderMap, HeaderValue, IF_MATCH, RANGE};
use origin_client::{Origin, TransportError};
use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use url::Url;

use crate::client::silence;
use crate::reading::Reading;
use crate::refusal::request_id;
use crate::{Cos, CosError, CosErrorKind, ObjectInfo, Target};

/// How often one object is taken up again where its connection broke.
const MAX_RESUMES: u32 = 5;

/// The object's bytes from `response` on; the last item is an error unless all of them came.
pub(super) fn pieces(
    cos: Cos,
    place: OwnedSemaphorePermit,
    target: Target,
    url: Url,
    info: ObjectInfo,
    response: Response,
) -> impl Stream<Item = Result<Bytes, CosError>> + Send {
    let size = info.size;
    let download = Download {
        cos,
        _place: place,
        target,
        url,
        info,
        size,
        response,
        received: 0,
        held: None,
        crc: Digest::new(),
        resumes: 0,
    };
    stream::unfold(Some(download), |download| async {
        let mut download = download?;
        match download.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(download))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Download {
    cos: Cos,
    /// Kept for as long as the download takes.
    _place: OwnedSemaphorePermit,
    target: Target,
    url: Url,
    info: ObjectInfo,
    /// Length of the object, as soon as it is known.
    size: Option<u64>,
    response: Response,
    received: u64,
    /// The piece before the next: the last one waits here until all has been checked.
    held: Option<Bytes>,
    crc: Digest,
    resumes: u32,
}

impl Download {
    /// The next piece; the last one when length and CRC64 are right. `None` after it.
    async fn next(&mut self) -> Result<Option<Bytes>, CosError> {
        while self.size != Some(self.received) {
            match self.piece().await {
                Ok(Some(piece)) => {
                    self.account(&piece)?;
                    if let Some(before) = self.held.replace(piece) {
                        return Ok(Some(before));
                    }
                }
                Ok(None) if self.size.is_none() => self.size = Some(self.received),
                Ok(None) => {
                    let cause = self.unreadable("the body is shorter than its announced length")?;
                    self.resume(cause).await?;
                }
                Err(cause) => self.resume(cause).await?,
            }
        }
        self.check()?;
        Ok(self.held.take())
    }

    /// What comes next of the body, never empty; `None` at its end.
    async fn piece(&mut self) -> Result<Option<Bytes>, CosError> {
        let silent_for = self.cos.deadlines().silence;
        loop {
            match timeout(silent_for, self.response.chunk()).await {
                Ok(Ok(Some(piece))) if piece.is_empty() => {}
                Ok(Ok(piece)) => return Ok(piece),
                Ok(Err(error)) => {
                    return Err(CosError::Transport(TransportError::new(&Origin::of(&self.url)?, &error)));
                }
                Err(_) => return Err(silence(&self.url, silent_for)),
            }
        }
    }

    fn account(&mut self, piece: &Bytes) -> Result<(), CosError> {
        self.received = self.received.saturating_add(piece.len() as u64);
        if self.size.is_some_and(|size| self.received > size) {
            return Err(self.unreadable("the body is longer than its announced length")?);
        }
        self.crc.write(piece);
        Ok(())
    }

    fn check(&self) -> Result<(), CosError> {
        let actual = self.crc.sum64();
        match self.info.crc64 {
            Some(expected) if expected != actual => {
                Err(CosError::Damaged { target: Box::new(self.target.clone()), expected, actual })
            }
            _ => Ok(()),
        }
    }

    /// Asks for the rest of the same object.
    async fn resume(&mut self, cause: CosError) -> Result<(), CosError> {
        let etag = self.info.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok());
        let Some(etag) = etag.filter(|_| self.resumes < MAX_RESUMES) else {
            return Err(self.broken_off(cause));
        };
        self.resumes += 1;
        tracing::debug!(received = self.received, size = self.size, %cause, "COS object is taken up again");
        let range = HeaderValue::try_from(format!("bytes={}-", self.received)).map_err(|_| CosError::Unsignable)?;
        let headers = HeaderMap::from_iter([(RANGE, range), (IF_MATCH, etag)]);
        let response = match self.cos.open(&self.target, Reading::Get, &self.url, &headers).await {
            Ok(response) => response,
            Err(error) if error.kind() == CosErrorKind::ObjectChanged => return Err(self.changed()),
            Err(error) => return Err(self.broken_off(error)),
        };
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(self.broken_off(cause));
        }
        let content_range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        match content_range.and_then(parse_content_range) {
            Some((_, size)) if self.size.is_some_and(|known| known != size) => Err(self.changed()),
            Some((start, size)) if start == self.received => {
                self.size = Some(size);
                self.response = response;
                Ok(())
            }
            _ => Err(self.broken_off(cause)),
        }
    }

    fn changed(&self) -> CosError {
        CosError::Changed { target: Box::new(self.target.clone()) }
    }

    fn broken_off(&self, cause: CosError) -> CosError {
        CosError::BrokenOff {
            target: Box::new(self.target.clone()),
            received: self.received,
            size: self.size,
            cause: Box::new(cause),
        }
    }

    fn unreadable(&self, problem: &str) -> Result<CosError, CosError> {
        let request_id = request_id(self.response.headers());
        Ok(CosError::Unreadable { origin: Origin::of(&self.url)?, problem: problem.to_owned(), request_id })
    }
}

/// First byte and length of the whole object in `bytes 5-9/10`.
fn parse_content_range(value: &str) -> Option<(u64, u64)> {
    let (range, size) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, size.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, 10)));
        assert_eq!(parse_content_range("bytes 5-9/*"), None);
        assert_eq!(parse_content_range("bytes */10"), None);
        assert_eq!(parse_content_range("items 5-9/10"), None);
        assert_eq!(parse_content_range(""), None);
    }
}
