use crate::client::{BUCKET, Request, server};

#[tokio::test]
async fn nothing_can_be_written() {
    let server = server().await;
    server.put_object(BUCKET, "a", "as it was").unwrap();
    for method in ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
        let response = Request::object(&server, "a").method(method).send();
        assert_eq!(response.error(), (405, "MethodNotAllowed".into()));
        assert_eq!(response.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(Request::object(&server, "a").send().text(), "as it was");
}

#[tokio::test]
async fn what_is_not_emulated_says_so() {
    let server = server().await;
    server.put_object(BUCKET, "a", "").unwrap();
    for name in ["acl", "versions", "uploads", "tagging"] {
        let bucket = Request::bucket(&server).query(name, "").send();
        assert_eq!(bucket.error(), (501, "NotImplemented".into()));
        let object = Request::object(&server, "a").query(name, "").send();
        assert_eq!(object.error(), (501, "NotImplemented".into()));
    }
}

#[tokio::test]
async fn requests_are_logged() {
    let server = server().await;
    server.put_object(BUCKET, "a b", "12").unwrap();
    let _ = Request::object(&server, "a b").header("Range", "bytes=0-0").send();
    let _ = Request::bucket(&server).method("HEAD").query("x", "1 2").send();
    let _ = Request::object(&server, "gone").method("PUT").send();
    let log = server.requests();
    let lines: Vec<(&str, &str, &str, u16)> =
        log.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.query.as_str(), r.status)).collect();
    assert_eq!(lines, [("GET", "/a%20b", "", 206), ("HEAD", "/", "x=1%202", 200), ("PUT", "/gone", "", 405)]);
    assert_eq!(log[0].range.as_deref(), Some("bytes=0-0"));
    assert_eq!(log[0].host, crate::client::HOST);
}
