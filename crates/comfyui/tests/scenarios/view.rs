//! Outputs are streamed from `/view`.

use comfyui::{ClientError, Folder, OutputFile};
use futures_util::TryStreamExt;

use crate::scripted_server::{Script, ScriptedServer};

fn file(filename: &str) -> OutputFile {
    OutputFile {
        node_id: "3".to_owned(),
        key: "images".to_owned(),
        index: 0,
        filename: filename.to_owned(),
        subfolder: "a/b c".to_owned(),
        folder: Folder::Temp,
    }
}

#[tokio::test]
async fn length_type_and_bytes() {
    let server = ScriptedServer::start(Script::default()).await;
    let stream = server.client().view(&file("x & y.png")).await.unwrap();
    assert_eq!((stream.length(), stream.content_type()), (Some(300_000), Some("image/png")));
    let chunks: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(chunks.iter().map(bytes::Bytes::len).sum::<usize>(), 300_000);
    assert_eq!(server.seen("GET /view?filename=x+%26+y.png&subfolder=a%2Fb+c&type=temp").len(), 1);
}

#[tokio::test]
async fn a_file_that_is_gone_is_named() {
    let server = ScriptedServer::start(Script::default()).await;
    let error = server.client().view(&file("gone.png")).await.unwrap_err();
    assert!(matches!(error, ClientError::NoSuchFile { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the server no longer has the file \"a/b c/gone.png\"");
}
