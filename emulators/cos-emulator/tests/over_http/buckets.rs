use cos_emulator::CosEmulator;

use crate::client::Request;

const SERVICE: &str = "service.cos.myqcloud.com";

async fn with_buckets() -> CosEmulator {
    let server = CosEmulator::builder().start().await.unwrap();
    for (name, region) in
        [("c-1250000000", "ap-beijing"), ("a-1250000000", "ap-guangzhou"), ("b-1250000000", "ap-beijing")]
    {
        server.create_bucket(name, region).unwrap();
    }
    server
}

#[tokio::test]
async fn all_buckets_come_by_name_with_their_regions() {
    let server = with_buckets().await;
    let response = Request::raw(&server, SERVICE, "/").send();
    assert_eq!(response.header("content-type"), Some("application/xml"));
    assert_eq!(response.all("Name"), ["a-1250000000", "b-1250000000", "c-1250000000"]);
    assert_eq!(response.all("Location"), ["ap-guangzhou", "ap-beijing", "ap-beijing"]);
    assert_eq!(response.all("BucketType"), ["cos", "cos", "cos"]);
    assert_eq!(response.one("IsTruncated").unwrap(), "false");
    let created = response.one("CreationDate").unwrap();
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
}

#[tokio::test]
async fn a_region_filters() {
    let server = with_buckets().await;
    let by_host = Request::raw(&server, "cos.ap-beijing.myqcloud.com", "/").send();
    let by_query = Request::raw(&server, SERVICE, "/").query("region", "ap-beijing").send();
    for response in [by_host, by_query] {
        assert_eq!(response.all("Name"), ["b-1250000000", "c-1250000000"]);
    }
    let nowhere = Request::raw(&server, "cos.ap-shanghai.myqcloud.com", "/").send();
    assert_eq!(nowhere.status, 200);
    assert_eq!(nowhere.all("Name"), [""; 0]);
}

#[tokio::test]
async fn buckets_come_in_pages() {
    let server = with_buckets().await;
    let page = |marker: &str| Request::raw(&server, SERVICE, "/").query("marker", marker).query("max-keys", "2").send();
    let first = page("");
    assert_eq!(first.all("Name"), ["a-1250000000", "b-1250000000"]);
    assert_eq!(first.one("IsTruncated").unwrap(), "true");
    let next = first.one("NextMarker").unwrap();
    let second = page(&next);
    assert_eq!(second.all("Name"), ["c-1250000000"]);
    assert_eq!(second.one("Marker").unwrap(), next);
    assert_eq!(second.one("NextMarker"), None);
    for bad in ["0", "x", "-1"] {
        let response = Request::raw(&server, SERVICE, "/").query("max-keys", bad).send();
        assert_eq!(response.error(), (400, "InvalidArgument".into()));
    }
}

#[tokio::test]
async fn head_bucket_names_the_region() {
    let server = with_buckets().await;
    let head = |host: &str| Request::raw(&server, host, "/").method("HEAD").send();
    let there = head("b-1250000000.cos.ap-beijing.myqcloud.com");
    assert_eq!(there.status, 200);
    assert_eq!(there.header("x-cos-bucket-region"), Some("ap-beijing"));
    let gone = head("d-1250000000.cos.ap-beijing.myqcloud.com");
    assert_eq!((gone.status, gone.body.len()), (404, 0));
    assert!(gone.complete);
}

#[tokio::test]
async fn an_accounts_buckets_are_its_own() {
    let server = CosEmulator::builder().credentials("AKIDa", "ka").credentials("AKIDb", "kb").start().await.unwrap();
    server.create_bucket_of("AKIDa", "a-1250000000", "ap-beijing").unwrap();
    server.create_bucket_of("AKIDb", "b-1250000000", "ap-beijing").unwrap();
    let as_b = |host: &str| Request::raw(&server, host, "/").key("AKIDb", "kb").send();
    assert_eq!(as_b(SERVICE).all("Name"), ["b-1250000000"]);
    assert_eq!(as_b("b-1250000000.cos.ap-beijing.myqcloud.com").status, 200);
    assert_eq!(as_b("a-1250000000.cos.ap-beijing.myqcloud.com").error(), (403, "AccessDenied".into()));
    assert!(server.requests().iter().all(|request| request.secret_id.as_deref() == Some("AKIDb")));
}

#[tokio::test]
async fn a_removed_bucket_is_gone_and_may_be_made_anew() {
    let server = with_buckets().await;
    server.put_object("a-1250000000", "k", "x").unwrap();
    server.remove_bucket("a-1250000000").unwrap();
    assert!(server.remove_bucket("a-1250000000").is_err());
    assert_eq!(Request::raw(&server, SERVICE, "/").send().all("Name"), ["b-1250000000", "c-1250000000"]);
    server.create_bucket("a-1250000000", "ap-shanghai").unwrap();
    let anew = Request::raw(&server, "a-1250000000.cos.ap-shanghai.myqcloud.com", "/").send();
    assert_eq!((anew.status, anew.all("Key")), (200, vec![]));
}
