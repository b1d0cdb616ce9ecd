use bytes::Bytes;
use crc64fast::Digest;
use futures_util::{Stream, stream};
use http::header::{CONTENT_RANGE, HeaderMap, HeaderValue, IF_MATCH, RANGE};
use http::{Method, StatusCode};
use origin_client::{Origin, TransportError};
use reqwest::Response;
use tokio::time::timeout;
use url::Url;

use crate::client::silence;
use crate::refusal::request_id;
use crate::{Cos, CosError, CosErrorKind, ObjectInfo, Target};

/// How often one object is taken up again where its connection broke.
const MAX_RESUMES: u32 = 5;

/// The object's bytes from `response` on; the last item is an error unless all of them came.
pub(super) fn pieces(
    cos: Cos,
    target: Target,
    url: Url,
    info: ObjectInfo,
    response: Response,
) -> impl Stream<Item = Result<Bytes, CosError>> + Send {
    let download = Download { cos, target, url, info, response, received: 0, crc: Digest::new(), resumes: 0 };
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
    target: Target,
    url: Url,
    info: ObjectInfo,
    response: Response,
    received: u64,
    crc: Digest,
    resumes: u32,
}

impl Download {
    /// The next piece, checked against length and, if it is the last, CRC64. `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>, CosError> {
        while self.received < self.info.size {
            match self.piece().await {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return self.account(piece).map(Some),
                Err(cause) => self.resume(cause).await?,
            }
        }
        if self.info.size == 0 {
            self.check()?;
        }
        Ok(None)
    }

    async fn piece(&mut self) -> Result<Bytes, CosError> {
        let silent_for = self.cos.deadlines().silence;
        match timeout(silent_for, self.response.chunk()).await {
            Ok(Ok(Some(piece))) => Ok(piece),
            Ok(Ok(None)) => Err(self.unreadable("the body is shorter than its announced length")?),
            Ok(Err(error)) => Err(CosError::Transport(TransportError::new(&Origin::of(&self.url)?, &error))),
            Err(_) => Err(silence(&self.url, silent_for)),
        }
    }

    fn account(&mut self, piece: Bytes) -> Result<Bytes, CosError> {
        self.received = self.received.saturating_add(piece.len() as u64);
        if self.received > self.info.size {
            return Err(self.unreadable("the body is longer than its announced length")?);
        }
        self.crc.write(&piece);
        if self.received == self.info.size {
            self.check()?;
        }
        Ok(piece)
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
        tracing::debug!(received = self.received, size = self.info.size, %cause, "COS object is taken up again");
        let range = HeaderValue::try_from(format!("bytes={}-", self.received)).map_err(|_| CosError::Unsignable)?;
        let headers = HeaderMap::from_iter([(RANGE, range), (IF_MATCH, etag)]);
        let response = match self.cos.open(&self.target, &Method::GET, &self.url, &headers).await {
            Ok(response) => response,
            Err(error) if error.kind() == CosErrorKind::ObjectChanged => return Err(self.changed()),
            Err(error) => return Err(self.broken_off(error)),
        };
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(self.broken_off(cause));
        }
        let content_range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        match content_range.and_then(parse_content_range) {
            Some((start, size)) if start == self.received && size == self.info.size => {
                self.response = response;
                Ok(())
            }
            Some((_, size)) if size != self.info.size => Err(self.changed()),
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
            size: self.info.size,
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
