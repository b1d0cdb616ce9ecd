use cos_emulator::CosEmulator;

use crate::client::{BUCKET, Request, server};

async fn with_object() -> CosEmulator {
    let server = server().await;
    server.put_object(BUCKET, "a", "here").unwrap();
    server
}

#[tokio::test]
async fn the_header_and_the_query_both_do() {
    let server = with_object().await;
    let request = Request::object(&server, "a").query("response-content-type", "a b/+");
    assert_eq!(request.clone().send().text(), "here");
    assert_eq!(request.presigned().send().text(), "here");
}

#[tokio::test]
async fn without_a_signature_access_is_denied() {
    let server = with_object().await;
    let denied = Request::object(&server, "a").unsigned().send();
    assert_eq!(denied.error(), (403, "AccessDenied".into()));
    assert_eq!(denied.one("Message").unwrap(), "Access Denied.");
    // What the official client sends when it is told to be anonymous.
    let empty = Request::object(&server, "a").unsigned().header("Authorization", "");
    assert_eq!(empty.send().error(), (403, "AccessDenied".into()));
    let head = Request::object(&server, "a").unsigned().method("HEAD");
    let head = head.send();
    assert_eq!((head.status, head.body.len()), (403, 0));
}

#[tokio::test]
async fn a_wrong_key_is_told_from_an_unknown_one() {
    let server = with_object().await;
    let get = |id: &str, key: &str| Request::object(&server, "a").key(id, key).send();
    assert_eq!(get("AKIDother", "secret").error(), (403, "InvalidAccessKeyId".into()));
    let wrong = get("AKIDtest", "wrong");
    assert_eq!(wrong.error(), (403, "SignatureDoesNotMatch".into()));
    assert_eq!(wrong.one("FormatString").unwrap(), format!("get\n/a\n\nhost={}\n", crate::client::HOST));
    assert!(wrong.one("StringToSign").unwrap().starts_with("sha1\n"));
    assert!(!wrong.text().contains("secret"));
}

#[tokio::test]
async fn a_signature_holds_for_its_time() {
    let server = with_object().await;
    let get = |first, last| Request::object(&server, "a").window(first, last).send();
    assert_eq!(get(-600, 600).status, 200);
    let late = get(-600, -60);
    assert_eq!(late.error(), (403, "AccessDenied".into()));
    assert_eq!(late.one("Message").unwrap(), "Request has expired");
    assert_eq!(get(600, 900).error(), (403, "RequestTimeTooSkewed".into()));
}

#[tokio::test]
async fn any_of_several_keys_may_sign() {
    let server = CosEmulator::builder().credentials("AKIDone", "1").credentials("AKIDtwo", "2").start().await.unwrap();
    assert_eq!((server.secret_id(), server.secret_key()), ("AKIDone", "1"));
    for (id, key, status) in [("AKIDone", "1", 200), ("AKIDtwo", "2", 200), ("AKIDtwo", "1", 403)] {
        let request = Request::raw(&server, "service.cos.myqcloud.com", "/").key(id, key);
        assert_eq!(request.send().status, status);
    }
}

#[tokio::test]
async fn made_up_keys_work_and_differ() {
    let first = CosEmulator::builder().start().await.unwrap();
    let second = CosEmulator::builder().start().await.unwrap();
    assert!(first.secret_id().starts_with("AKID"));
    assert_ne!(first.secret_id(), second.secret_id());
    assert_ne!(first.secret_key(), second.secret_key());
    let request = Request::raw(&first, "service.cos.myqcloud.com", "/");
    assert_eq!(request.send().status, 200);
    assert!(!format!("{first:?}").contains(first.secret_key()));
}

#[tokio::test]
async fn a_temporary_key_needs_its_token() {
    let server = CosEmulator::builder().session_token("to/ken+=").start().await.unwrap();
    let get = || Request::raw(&server, "service.cos.myqcloud.com", "/");
    let with = |token| get().header("x-cos-security-token", token);
    assert_eq!(with("to/ken+=").send().status, 200);
    let in_query = get().query("x-cos-security-token", "to/ken+=").presigned();
    assert_eq!(in_query.send().status, 200);
    for refused in [get(), with("other")] {
        assert_eq!(refused.send().error(), (403, "InvalidAccessKeyId".into()));
    }
}
