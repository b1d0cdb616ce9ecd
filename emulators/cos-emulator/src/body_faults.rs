//! What the faults of a request do to its answer.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};

use crate::{
    faults::Fault,
    service::Answer,
    store::{ByteStream, pieces},
};

/// What is written just before a connection breaks would be lost with it:
/// the server gets so long to send it.
const FLUSH: Duration = Duration::from_millis(30);

const WEB_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
    <body><p>Please sign in to the network.</body></html>\n";

/// Applies those of `faults` that change an answer.
pub(crate) fn spoil(mut answer: Answer, faults: &[Fault]) -> Answer {
    for fault in faults {
        match fault {
            Fault::CutBody { after } => {
                if *after < answer.length {
                    answer.body = broken(answer.body, *after);
                }
            }
            Fault::ShortBody { missing } => {
                let comes = answer.length.saturating_sub(*missing);
                answer.body = ending_early(answer.body, comes);
            }
            Fault::MissingTail { bytes } => {
                answer.length = answer.length.saturating_sub(*bytes);
                answer.body = first_bytes(answer.body, answer.length);
            }
            Fault::TruncatedXml { keep } => {
                answer.length = answer.length.min(*keep as u64);
                answer.body = first_bytes(answer.body, answer.length);
            }
            Fault::NoContentLength => answer.length_is_said = false,
            Fault::SlowBody { piece, pause } => {
                answer.body = slow(answer.body, *piece, *pause);
            }
            Fault::HtmlInsteadOfXml => {
                answer =
                    Answer::whole(StatusCode::OK, "text/html; charset=utf-8", Bytes::from_static(WEB_PAGE.as_bytes()));
            }
            Fault::WrongCrc => {
                if let Some(value) = answer.headers.get_mut("x-cos-hash-crc64ecma") {
                    let wrong = value.to_str().ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() ^ 1;
                    *value = HeaderValue::from(wrong);
                }
            }
            Fault::Status { .. }
            | Fault::SlowDown
            | Fault::Gateway { .. }
            | Fault::DelayHeaders(_)
            | Fault::ClockSkew { .. }
            | Fault::ReplaceObject(_) => {}
        }
    }
    if !answer.length_is_said {
        answer.headers.remove(header::CONTENT_LENGTH);
    }
    answer
}

fn first_bytes(body: ByteStream, count: u64) -> ByteStream {
    Box::pin(stream::unfold((body, count), |(mut body, left)| async move {
        if left == 0 {
            return None;
        }
        let piece = match body.next().await? {
            Ok(mut piece) => {
                piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                piece
            }
            Err(error) => return Some((Err(error), (body, 0))),
        };
        let left = left.saturating_sub(piece.len() as u64);
        Some((Ok(piece), (body, left)))
    }))
}

fn ending_early(body: ByteStream, count: u64) -> ByteStream {
    let end = stream::once(async {
        tokio::time::sleep(FLUSH).await;
        Ok(Bytes::new())
    });
    Box::pin(first_bytes(body, count).chain(end))
}

fn broken(body: ByteStream, after: u64) -> ByteStream {
    let end = stream::once(async {
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Box::pin(first_bytes(body, after).chain(end))
}

fn slow(body: ByteStream, piece: usize, pause: Duration) -> ByteStream {
    Box::pin(
        body.flat_map(move |part| match part {
            Ok(bytes) => pieces(bytes, piece).map(Ok).left_stream(),
            Err(error) => stream::once(async { Err(error) }).right_stream(),
        })
        .then(move |part| async move {
            tokio::time::sleep(pause).await;
            part
        }),
    )
}
