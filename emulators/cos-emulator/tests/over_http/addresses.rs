use cos_emulator::CosEmulator;

use crate::client::{BUCKET, Request, server};

async fn with_object() -> CosEmulator {
    let server = server().await;
    server.put_object(BUCKET, "a b/c", "here").unwrap();
    server
}

#[tokio::test]
async fn hosts_of_the_right_region_reach_the_bucket() {
    let server = with_object().await;
    for host in [
        "photos-1250000000.cos.ap-beijing.myqcloud.com",
        "photos-1250000000.cos.ap-beijing.myqcloud.com:8080",
        "photos-1250000000.cos.ap-beijing.tencentcos.cn",
        "photos-1250000000.cos-internal.ap-beijing.tencentcos.cn",
        "photos-1250000000.cos.accelerate.myqcloud.com",
        "photos-1250000000.localhost",
    ] {
        let response = Request::raw(&server, host, "/a%20b/c").send();
        assert_eq!((response.status, response.text()), (200, "here"), "{host}");
    }
}

#[tokio::test]
async fn another_region_does_not_have_the_bucket() {
    let server = with_object().await;
    let host = "photos-1250000000.cos.ap-guangzhou.myqcloud.com";
    let response = Request::raw(&server, host, "/a%20b/c").send();
    assert_eq!(response.error(), (404, "NoSuchBucket".into()));
    assert_eq!(response.one("Resource").unwrap(), format!("{host}/a b/c"));
    let host = "cos.ap-guangzhou.myqcloud.com";
    let response = Request::raw(&server, host, "/photos-1250000000/a%20b/c").send();
    assert_eq!(response.error(), (404, "NoSuchBucket".into()));
}

#[tokio::test]
async fn addresses_are_path_style() {
    let server = with_object().await;
    assert_eq!(server.endpoint(), format!("http://{}/{{bucket}}", server.address()));
    for host in [server.address().to_string(), "localhost".into(), "cos.ap-beijing.myqcloud.com".into()] {
        let get = |path: &str| Request::raw(&server, &host, path).send();
        assert_eq!(get("/photos-1250000000/a%20b/c").text(), "here", "{host}");
        for path in ["/photos-1250000000", "/photos-1250000000/"] {
            let list = get(path);
            assert_eq!(list.one("Name").unwrap(), BUCKET);
            assert_eq!(list.all("Key"), ["a b/c"]);
        }
        assert_eq!(get("/").one("Name").unwrap(), BUCKET);
    }
}

#[tokio::test]
async fn bad_addresses_are_refused() {
    let server = with_object().await;
    let host = server.address().to_string();
    let error = |path: &str| Request::raw(&server, &host, path).send().error();
    assert_eq!(error("/gone-1250000000/x"), (404, "NoSuchBucket".into()));
    assert_eq!(error("/photos-1250000000/%ff"), (400, "InvalidURI".into()));
    let long = format!("/photos-1250000000/{}", "k".repeat(851));
    assert_eq!(error(&long), (400, "KeyTooLong".into()));
    for path in ["/../../etc/passwd", "/..%2F..%2Fetc/passwd", "/photos-1250000000/../../etc/passwd"] {
        assert_eq!(error(path).0, 404, "{path}");
    }
}
