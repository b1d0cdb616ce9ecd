use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};

use super::response_lines::{BrokeOff, LinesBody};
use super::timed_stream::RequestAtWork;

/// The body of any response. The request is at work as long as it lives.
#[derive(Debug)]
pub(super) struct ResponseBody {
    body: Either<Full<Bytes>, LinesBody>,
    _request: RequestAtWork,
}

impl ResponseBody {
    pub(super) const fn new(body: Either<Full<Bytes>, LinesBody>, request: RequestAtWork) -> Self {
        Self { body, _request: request }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.body {
            Either::Left(whole) => Pin::new(whole).poll_frame(context).map_err(|never| match never {}),
            Either::Right(lines) => Pin::new(lines).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Either::Left(whole) => whole.is_end_stream(),
            Either::Right(lines) => lines.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Either::Left(whole) => whole.size_hint(),
            Either::Right(lines) => lines.size_hint(),
        }
    }
}
