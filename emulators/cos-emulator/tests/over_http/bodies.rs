use std::fs;

use cos_emulator::{CosEmulator, generated_bytes};

use crate::client::{BUCKET, Request, server};

#[tokio::test]
async fn files_of_the_folder_are_objects() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(format!("{BUCKET}@ap-beijing"));
    fs::create_dir_all(folder.join("2024")).unwrap();
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::write(root.path().join("secret"), "secret").unwrap();
    let large: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    fs::write(folder.join("2024/报告 一.bin"), &large).unwrap();
    let server = CosEmulator::builder().root(root.path()).start().await.unwrap();

    let whole = Request::object(&server, "2024/报告 一.bin").send();
    assert!(whole.complete);
    assert_eq!((whole.status, &whole.body), (200, &large));
    let part = Request::object(&server, "2024/报告 一.bin").header("Range", "bytes=65530-131080").send();
    assert_eq!(part.status, 206);
    assert_eq!(part.body, large[65_530..=131_080]);
    assert_eq!(part.header("content-range"), Some("bytes 65530-131080/300000"));
    let marker = Request::object(&server, "empty/").send();
    assert_eq!((marker.status, marker.body.len()), (200, 0));
    for key in ["../secret", "2024", "2024/", "2024/../2024/报告 一.bin", "/empty/"] {
        assert_eq!(Request::object(&server, key).send().error(), (404, "NoSuchKey".into()), "{key}");
    }
}

#[tokio::test]
async fn ranges() {
    let server = server().await;
    server.put_object(BUCKET, "a", "0123456789").unwrap();
    server.put_object(BUCKET, "none", "").unwrap();
    let get = |key: &str, range: &str| Request::object(&server, key).header("Range", range).send();
    for (range, text, content_range) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
    ] {
        let response = get("a", range);
        assert_eq!((response.status, response.text()), (206, text));
        assert_eq!(response.header("content-range"), Some(content_range));
    }
    let behind = get("a", "bytes=10-");
    assert_eq!(behind.error(), (416, "InvalidRange".into()));
    assert_eq!(behind.header("content-range"), Some("bytes */10"));
    assert_eq!(get("none", "bytes=0-").status, 416);
    assert_eq!(get("a", "bytes=0-1,4-5").text(), "0123456789");
}

#[tokio::test]
async fn a_generated_object_is_the_same_from_anywhere() {
    let server = server().await;
    let length = 1u64 << 40;
    let options = cos_emulator::ObjectOptions {
        // A terabyte takes a while to go through.
        without_crc64: true,
        ..Default::default()
    };
    server.put_generated_object_with(BUCKET, "large", length, 7, options).unwrap();
    let head = Request::object(&server, "large").method("HEAD").send();
    assert_eq!(head.header("content-length"), Some("1099511627776"));
    assert_eq!(head.header("x-cos-hash-crc64ecma"), None);
    let start = length - 100_003;
    let tail = Request::object(&server, "large").header("Range", &format!("bytes={start}-")).send();
    let mut expected = vec![0; 100_003];
    generated_bytes(7, start, &mut expected);
    assert!(tail.complete);
    assert_eq!(tail.body, expected);
}
