//! Files of tools come in chunks that must come together.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::io::Write;
use std::sync::{Arc, Mutex};

use dify_plugin_host::{CallFailure, CallRequest, Carrier, ChunkFault, DifyHost};
use misbehaving::{failure_of, start, start_in, tool};

#[tokio::test]
async fn files_of_all_sizes_arrive_whole() {
    let plugin = start().await;
    for size in [0, 1, 8191, 8192, 8193, 100_000] {
        let answer = plugin.invoke_tool(tool(&format!("file:{size}"))).await.unwrap();
        let file = &answer.files[0];
        assert_eq!((file.size, file.carrier, file.media_type.as_deref()), (size, Carrier::Chunks, Some("text/plain")));
        let content = file.content.as_ref().unwrap();
        assert_eq!(content.len() as u64, size);
        assert!(content.iter().enumerate().all(|(n, byte)| usize::from(*byte) == n % 251));
    }
    let answer = plugin.invoke_tool(tool("two files at once")).await.unwrap();
    assert!(answer.files.iter().all(|file| file.content.as_deref() == Some(b"abcd")));
    assert_eq!(answer.files.len(), 2);
}

#[tokio::test]
async fn a_file_can_go_to_a_writer() {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let written = Shared::default();
    let kept = written.clone();
    let request = CallRequest::from(tool("file:30000")).files_to(move |file| {
        assert_eq!(file.total_length, 30_000);
        Ok(Box::new(kept.clone()))
    });
    let answer = start().await.call(request).await.unwrap();
    assert_eq!((answer.files[0].size, answer.files[0].content.clone()), (30_000, None));
    assert_eq!(written.0.lock().unwrap().len(), 30_000);

    let full = |_: &_| Err(std::io::Error::other("disk full"));
    let failure = start().await.call(CallRequest::from(tool("file:1")).files_to(full)).await.unwrap_err();
    assert_eq!(failure, CallFailure::Sink { reason: "disk full".into() });
}

#[tokio::test]
async fn every_fault_fails_the_call_and_nothing_else() {
    let plugin = start().await;
    let mut found = Vec::new();
    for what in
        ["chunk too long", "sequence gap", "sequence repeated", "total changed", "overrun", "cut", "no end chunk"]
    {
        let failure = failure_of(&plugin, tool(what)).await;
        assert!(failure.to_string().contains("Dify"), "{failure}");
        let CallFailure::Chunk(fault) = failure else { panic!("{what}: {failure}") };
        found.push(fault);
    }
    let id = || "f".to_owned();
    assert_eq!(
        found,
        [
            ChunkFault::TooLong { length: 8193 },
            ChunkFault::Sequence { id: id(), expected: 1, found: 2 },
            ChunkFault::Sequence { id: id(), expected: 1, found: 0 },
            ChunkFault::TotalChanged { id: id(), before: 20_000, after: 20_001 },
            ChunkFault::Overrun { id: id(), total_length: 10_000 },
            ChunkFault::Cut { id: id(), received: 8192, total_length: 10_000 },
            ChunkFault::MissingEnd { id: id(), received: 8192, total_length: 8192 },
        ]
    );
    let failure = failure_of(&plugin, tool("not base64")).await;
    assert!(matches!(failure, CallFailure::NotBase64 { .. }), "{failure}");
}

#[tokio::test]
async fn files_have_a_limit_which_is_difys_setting() {
    let dify = DifyHost::builder().merged_file_limit(10_000).build();
    let plugin = start_in(&dify).await;
    assert_eq!(plugin.invoke_tool(tool("file:10000")).await.unwrap().files[0].size, 10_000);
    let failure = failure_of(&plugin, tool("file:10001")).await;
    assert_eq!(failure, CallFailure::Chunk(ChunkFault::FileTooLarge { total_length: 10_001, limit: 10_000 }));
    assert!(failure.to_string().contains("PLUGIN_MAX_FILE_SIZE"), "{failure}");
}

#[tokio::test]
async fn what_is_said_about_a_file_is_checked() {
    let plugin = start().await;
    let failure = failure_of(&plugin, tool("media type parameters")).await;
    assert!(matches!(failure, CallFailure::MediaTypeParameters { .. }), "{failure}");
    let failure = failure_of(&plugin, tool("file_name")).await;
    assert_eq!(failure, CallFailure::WrongNameKey { found: "file_name", expected: "filename" });
    let failure = failure_of(&plugin, tool("reserved meta")).await;
    assert_eq!(failure, CallFailure::ReservedMeta { key: "tool_file_id" });
}
