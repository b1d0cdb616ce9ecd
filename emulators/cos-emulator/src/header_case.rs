//! Header names spelled as COS spells them.
//!
//! Names are equal in any case, but the official Python SDK hands them on in
//! a plain dictionary: its users, and its own downloader, ask for `ETag` or
//! `Content-Range` and find nothing where the wire had small letters. Hyper
//! writes small letters, unless an answer carries the spelling of a request
//! (`preserve_header_case`, made for proxies). So one request with the right
//! spelling is read through a pipe, and each answer carries its spelling.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http::{Extensions, Response};
use http_body_util::Empty;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

/// The names that are not in small letters, from the examples of the COS
/// pages "Common Response Headers" (436/7729) and "GET Object" (436/7753).
const SPELLINGS: [&str; 17] = [
    "Accept-Ranges",
    "Allow",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Host",
    "Last-Modified",
    "Server",
    "Vary",
];

#[derive(Debug, Clone)]
pub(crate) struct HeaderCase(Extensions);

impl HeaderCase {
    pub(crate) async fn of_cos() -> io::Result<Self> {
        let mut request = String::from("GET / HTTP/1.1\r\n");
        for name in SPELLINGS {
            let value = match name {
                "Connection" => "close",
                "Content-Length" => "0",
                _ => "x",
            };
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");

        let (mut client, server) = tokio::io::duplex(4096);
        let (learnt, mut spelling) = mpsc::channel(1);
        let connection = http1::Builder::new().preserve_header_case(true).serve_connection(
            TokioIo::new(server),
            service_fn(move |request| {
                let request: http::Request<hyper::body::Incoming> = request;
                // There is room: this is the only request.
                let _ = learnt.try_send(request.extensions().clone());
                async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
            }),
        );
        let talk = async {
            client.write_all(request.as_bytes()).await?;
            client.read_to_end(&mut Vec::new()).await
        };
        let (served, talked) = tokio::join!(connection, talk);
        served.map_err(io::Error::other)?;
        talked?;
        let extensions = spelling.recv().await.ok_or_else(|| io::Error::other("no request came through the pipe"))?;
        Ok(Self(extensions))
    }

    pub(crate) fn apply<B>(&self, response: &mut Response<B>) {
        response.extensions_mut().extend(self.0.clone());
    }
}
