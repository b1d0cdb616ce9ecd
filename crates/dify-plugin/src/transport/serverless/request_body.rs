use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::{MAX_REQUEST_BODY, REQUEST_BODY, REQUEST_ROOM};
use super::refusal::Refusal;

/// Room for the requests that are being read, and that wait for a place.
#[derive(Clone, Debug)]
pub(super) struct RequestRoom(Arc<Semaphore>);

/// A request's body, and its room.
#[derive(Debug)]
pub(super) struct RequestBody {
    pub(super) bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl RequestRoom {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(REQUEST_ROOM)))
    }

    /// Reads a body. Room is taken for what has come, so that one who announces much and sends little takes none.
    pub(super) async fn read<B>(&self, body: B) -> Result<RequestBody, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin,
        B::Error: Send,
    {
        if body.size_hint().lower() > MAX_REQUEST_BODY as u64 {
            return Err(Refusal::LargeBody);
        }
        timeout(REQUEST_BODY, self.read_frames(body)).await.map_err(|_| Refusal::SlowBody)?
    }

    async fn read_frames<B>(&self, mut body: B) -> Result<RequestBody, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin,
        B::Error: Send,
    {
        let mut read = RequestBody { bytes: Vec::new(), _room: None };
        while let Some(frame) = body.frame().await {
            // Trailers say nothing to us.
            let Ok(bytes) = frame.map_err(|_| Refusal::BrokenBody)?.into_data() else { continue };
            if read.bytes.len() + bytes.len() > MAX_REQUEST_BODY {
                return Err(Refusal::LargeBody);
            }
            let weight = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.0).acquire_many_owned(weight).await.map_err(|_| Refusal::Stopping)?;
            match &mut read._room {
                Some(all) => all.merge(room),
                none => *none = Some(room),
            }
            read.bytes.extend_from_slice(&bytes);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    /// Frames of a length, then the end or nothing at all.
    struct Frames {
        left: usize,
        length: usize,
        ends: bool,
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return if self.ends { Poll::Ready(None) } else { Poll::Pending };
            }
            self.left -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; self.length])))))
        }
    }

    #[tokio::test]
    async fn a_body_of_the_largest_size_is_read_and_a_larger_one_is_not() {
        let room = RequestRoom::new();
        let body = |length: usize| Full::new(Bytes::from(vec![b'x'; length]));
        assert_eq!(room.read(body(MAX_REQUEST_BODY)).await.unwrap().bytes.len(), MAX_REQUEST_BODY);
        assert_eq!(room.read(body(MAX_REQUEST_BODY + 1)).await.unwrap_err(), Refusal::LargeBody);
        // One that does not say its length.
        let endless = Frames { left: usize::MAX, length: 8192, ends: false };
        assert_eq!(room.read(endless).await.unwrap_err(), Refusal::LargeBody);
        assert_eq!(room.0.available_permits(), REQUEST_ROOM);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let room = RequestRoom::new();
        let slow = Frames { left: 3, length: 10, ends: false };
        assert_eq!(room.read(slow).await.unwrap_err(), Refusal::SlowBody);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_wait_take_no_more_than_their_room() {
        let room = RequestRoom::new();
        let mut kept = Vec::new();
        for _ in 0..REQUEST_ROOM / MAX_REQUEST_BODY {
            kept.push(room.read(Frames { left: 5, length: MAX_REQUEST_BODY / 5, ends: true }).await.unwrap());
        }
        let one_more = || Frames { left: 5, length: MAX_REQUEST_BODY / 5, ends: true };
        assert_eq!(room.read(one_more()).await.unwrap_err(), Refusal::SlowBody);
        kept.pop();
        assert!(room.read(one_more()).await.is_ok());
    }
}
