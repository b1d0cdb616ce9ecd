use bytes::{Bytes, BytesMut};
use reqwest::{Error, Response};

/// The whole body, or `None` when it is longer than `max` bytes.
pub(crate) async fn read_bounded(mut response: Response, max: usize) -> Result<Option<Bytes>, Error> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        if piece.len() > max - body.len() {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body.freeze()))
}

/// The first `max` bytes of the body, or what came of them before the connection failed.
pub(crate) async fn read_start(mut response: Response, max: usize) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let room = max - body.len();
        body.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if body.len() == max {
            break;
        }
    }
    body.freeze()
}
