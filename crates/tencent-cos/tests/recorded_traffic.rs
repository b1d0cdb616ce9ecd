//! Recorded traffic of the official Dify plugin, which uses the official SDK: the same keys give the same paths, and its
//! answers are read.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tencent_cos::{EndpointTemplate, parse_object_page};
use url::Url;

#[derive(Deserialize)]
struct Exchange {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    host: String,
    target: String,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    body: String,
}

#[test]
fn recorded_traffic_is_spoken_and_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dify-vectors");
    let Ok(files) = folder.read_dir() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let (mut lists, mut objects) = (0, 0);
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !(name.starts_with("cos_") && name.ends_with(".http.json")) {
            continue;
        }
        let exchanges: Vec<Exchange> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for Exchange { request, response } in exchanges {
            let Some((bucket, rest)) = request.host.split_once(".cos.").filter(|(label, _)| *label != "service") else {
                continue;
            };
            let region = rest.strip_suffix(".myqcloud.com").unwrap();
            let theirs = Url::parse(&format!("https://{}{}", request.host, request.target)).unwrap();
            let key = percent_decode_str(&theirs.path()[1..]).decode_utf8().unwrap().into_owned();
            if !key.is_empty() {
                let ours = EndpointTemplate::default().bucket_url(bucket, Some(region), Some(&key)).unwrap();
                assert_eq!(ours, theirs, "{name}");
                objects += 1;
            } else if response.status == 200 {
                let page = parse_object_page(response.body.as_bytes()).unwrap();
                assert_eq!(page.objects.len(), response.body.matches("<Contents>").count(), "{name}");
                assert_eq!(page.common_prefixes.len(), response.body.matches("<CommonPrefixes>").count(), "{name}");
                lists += 1;
            }
        }
    }
    assert!(lists >= 5 && objects >= 5, "{lists} lists, {objects} objects");
}
