//! Files that a plugin uploads and then names by a link.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dify_plugin_host::{CallFailure, Carrier, DifyHost, PluginProcess, ReceivedFile, UploadEndpoint, UploadFault};
use dify_plugin_protocol::DownloadFile;
use misbehaving::{PATIENCE, download, failure_of, object, start_in, tool, tool_with};
use serde_json::{Value, json};

async fn start(uploads: &UploadEndpoint) -> PluginProcess {
    start_in(&DifyHost::builder().uploads(uploads.clone()).call_limit(PATIENCE).build()).await
}

/// Uploads 5 bytes as a text, save for what `changes` says.
async fn upload(plugin: &PluginProcess, changes: Value) -> Result<ReceivedFile, CallFailure> {
    let mut parameters = object(json!({
        "asked_name": "naïve \"a\".txt", "asked_type": "text/plain", "link_kind": "binary_link",
        "posted_name": "naïve \\\"a\\\".txt",
    }));
    parameters.extend(object(changes));
    Ok(plugin.invoke_tool(tool_with("upload", parameters)).await?.files.remove(0))
}

fn refusal(outcome: Result<ReceivedFile, CallFailure>) -> String {
    match outcome {
        Err(CallFailure::Plugin(error)) => error.message,
        other => panic!("{other:?}"),
    }
}

fn plain() -> Value {
    json!({"asked_name": "a.txt", "posted_name": "a.txt"})
}

#[tokio::test]
async fn a_link_of_any_kind_names_the_file() {
    let uploads = UploadEndpoint::start().await.unwrap();
    let plugin = start(&uploads).await;
    for link_kind in ["binary_link", "image_link", "link"] {
        let mut changes = plain();
        changes["link_kind"] = json!(link_kind);
        let file = upload(&plugin, changes).await.unwrap();
        assert_eq!((file.carrier, file.size, file.name.as_deref()), (Carrier::Link, 5, Some("a.txt")));
        assert_eq!(file.media_type.as_deref(), Some("text/plain"));
        assert_eq!(file.content.as_deref(), Some(&b"uuuuu"[..]));
    }
    let mut changes = plain();
    changes["link_by"] = json!("meta");
    assert_eq!(upload(&plugin, changes).await.unwrap().size, 5);
    assert_eq!((uploads.file_count(), uploads.refusals()), (4, vec![]));
}

#[tokio::test]
async fn a_download_too_large_for_a_line_comes_as_a_link() {
    let uploads = UploadEndpoint::builder().keep_nothing().start().await.unwrap();
    let plugin = start(&uploads).await;
    let credentials = object(json!({
        "asked_name": "a.pdf", "asked_type": "application/pdf", "link_kind": "binary_link", "upload_size": "6000000",
    }));
    let file = plugin.download_file(DownloadFile { credentials, ..download("upload") }).await.unwrap();
    assert_eq!((file.carrier, file.size, file.content), (Carrier::Link, 6_000_000, None));
    assert_eq!(file.media_type.as_deref(), Some("application/pdf"));
}

#[tokio::test]
async fn a_link_must_name_a_file_that_dify_has() {
    let plugin = start(&UploadEndpoint::start().await.unwrap()).await;
    let unknown = CallFailure::UnknownFile { link: "/files/tools/0000-1.pdf".into(), id: "0000-1".into() };
    assert_eq!(failure_of(&plugin, tool("unknown file")).await, unknown);
    assert_eq!(failure_of(&plugin, download("unknown file")).await, unknown);
    let answer = plugin.invoke_tool(tool("link elsewhere")).await.unwrap();
    assert!(answer.files.is_empty() && answer.links().len() == 1);
}

#[tokio::test]
async fn name_and_type_must_be_those_that_were_signed() {
    let uploads = UploadEndpoint::start().await.unwrap();
    let plugin = start(&uploads).await;
    for (changes, reason) in [
        (json!({"asked_name": "a.txt", "posted_name": "b.txt"}), "the URL was not signed for `b.txt`"),
        (json!({"asked_name": "a.txt", "posted_name": "a.txt", "posted_type": "text/html"}), "the URL was not signed"),
        (
            json!({"asked_name": "a.txt", "posted_name": "a.txt", "asked_type": "text/plain; charset=utf-8"}),
            "has parameters",
        ),
    ] {
        assert_eq!(refusal(upload(&plugin, changes).await), "403");
        assert!(uploads.refusals().last().unwrap().contains(reason), "{:?}", uploads.refusals());
    }
    assert_eq!(uploads.file_count(), 0);
}

#[tokio::test]
async fn urls_expire() {
    let uploads = UploadEndpoint::builder().url_life(Duration::ZERO).start().await.unwrap();
    let request = dify_plugin_protocol::UploadFileRequest { filename: "a".into(), mimetype: "text/plain".into() };
    let url = uploads.url_for(&request, "t", "u");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let part = post_form(&url, "a", "text/plain").await;
    assert!(part.starts_with("HTTP/1.1 403"), "{part}");
    assert_eq!(uploads.refusals(), ["the URL has expired"]);
}

/// Posts a form with one file; answers with all that comes back.
async fn post_form(url: &str, name: &str, media_type: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let body = format!(
        "--c\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\nx\r\n--c--\r\n"
    );
    let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=c\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_endpoint_can_be_out_of_order() {
    let uploads = UploadEndpoint::start().await.unwrap();
    let plugin = start(&uploads).await;
    for (fault, said) in [
        (UploadFault::EmptyUrl, "no URL: "),
        (UploadFault::RelativeUrl, "no URL: /files/upload/for-plugin?"),
        (UploadFault::UnreachableUrl, "unreachable: ConnectionRefused"),
        (UploadFault::Refuse(500), "500"),
    ] {
        uploads.set_fault(Some(fault));
        let said_by_plugin = refusal(upload(&plugin, plain()).await);
        assert!(said_by_plugin.starts_with(said), "{said_by_plugin}");
    }
    uploads.set_fault(Some(UploadFault::Slow(Duration::from_millis(100))));
    let begun = std::time::Instant::now();
    assert!(upload(&plugin, plain()).await.is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(100));
    uploads.set_fault(None);
    assert!(upload(&plugin, plain()).await.is_ok());
}

#[tokio::test]
async fn without_an_endpoint_uploads_are_refused() {
    let plugin = start_in(&misbehaving::dify()).await;
    let said = refusal(upload(&plugin, plain()).await);
    assert_eq!(said, "no URL: error: upload file failed: this Dify takes no uploads");
}

#[tokio::test]
async fn large_uploads_need_no_memory_and_may_be_limited() {
    let counted = Arc::new(AtomicU64::new(0));
    struct Count(Arc<AtomicU64>);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let count = Arc::clone(&counted);
    let uploads = UploadEndpoint::builder()
        .files_to(move |_| Ok(Box::new(Count(Arc::clone(&count)))))
        .size_limit(20_000_000)
        .start()
        .await
        .unwrap();
    let plugin = start(&uploads).await;
    let mut changes = plain();
    changes["upload_size"] = json!("20000000");
    let file = upload(&plugin, changes.clone()).await.unwrap();
    assert_eq!((file.size, file.content), (20_000_000, None));
    assert_eq!(counted.load(Ordering::Relaxed), 20_000_000);
    changes["upload_size"] = json!("20000001");
    // The connection may break before the plugin has read why.
    let said = refusal(upload(&plugin, changes).await);
    assert!(["413", ""].contains(&said.as_str()), "{said}");
    assert_eq!(uploads.refusals(), ["more than 20000000 bytes"]);
}
