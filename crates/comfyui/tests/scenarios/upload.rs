//! Uploads are streamed as well-formed multipart, and the returned name counts.

use bytes::Bytes;
use comfyui::{ClientError, UploadInput};
use futures_util::stream;

use crate::scripted_server::{Script, ScriptedServer};

fn input(
    length: Option<u64>,
    chunks: Vec<Result<&'static str, &'static str>>,
) -> UploadInput<impl futures_util::Stream<Item = Result<Bytes, &'static str>> + Send + 'static> {
    UploadInput {
        file_name: "../größe \"1\".png".to_owned(),
        media_type: "image/png".to_owned(),
        subfolder: "dify".to_owned(),
        length,
        body: stream::iter(chunks.into_iter().map(|chunk| chunk.map(|text| Bytes::from_static(text.as_bytes())))),
    }
}

#[tokio::test]
async fn the_body_is_what_aiohttp_expects() {
    let server = ScriptedServer::start(Script::default()).await;
    let uploaded = server.client().upload(input(Some(9), vec![Ok("some"), Ok("bytes")])).await.unwrap();
    assert_eq!(uploaded.as_input_value(), "dify/cat (1).png");

    let [seen] = server.seen("POST /upload/image").try_into().unwrap();
    let content_type = seen.content_type.clone().unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ninput\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"subfolder\"\r\n\r\ndify\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"größe _1_.png\"\r\n\
         content-type: image/png\r\n\r\nsomebytes\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(seen.body.clone()).unwrap(), expected);
    assert_eq!(seen.content_length.unwrap(), expected.len().to_string());
}

#[tokio::test]
async fn an_unknown_length_is_sent_in_chunks() {
    let server = ScriptedServer::start(Script::default()).await;
    server.client().upload(input(None, vec![Ok("some"), Ok("bytes")])).await.unwrap();
    let [seen] = server.seen("POST /upload/image").try_into().unwrap();
    assert_eq!(seen.content_length, None);
    assert!(String::from_utf8_lossy(&seen.body).contains("\r\n\r\nsomebytes\r\n"));
}

#[tokio::test]
async fn a_source_that_fails_is_told_apart_from_the_server() {
    let server = ScriptedServer::start(Script::default()).await;
    let error =
        server.client().upload(input(Some(9), vec![Ok("some"), Err("the link has expired")])).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::UploadSource { reason, .. } if reason == "the link has expired"),
        "{error:?}"
    );
}
