use serde_json::Value;

use super::*;

/// Made by the official Python SDK: see tests/data/official_signatures.py.
const OFFICIAL: &str = include_str!("../../tests/data/official_signatures.json");

struct Vector {
    name: String,
    method: String,
    host: String,
    path: String,
    query: Query,
    headers: HeaderMap,
    authorization: Authorization,
}

impl Vector {
    fn parts(&self) -> SignedParts<'_> {
        SignedParts {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            host: &self.host,
        }
    }
}

fn official() -> (i64, String, Vec<Vector>) {
    let data: Value = serde_json::from_str(OFFICIAL).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let vectors = data["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let query = Query::parse(request["query"].as_str()).unwrap();
            let mut headers = HeaderMap::new();
            for (name, value) in request["headers"].as_object().unwrap() {
                headers.insert(
                    http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.as_str().unwrap().parse().unwrap(),
                );
            }
            let authorization = match request["authorization"].as_str() {
                Some(header) => Authorization::from_header(header),
                None => Authorization::from_query(&query),
            };
            Vector {
                name: text(&request["name"]),
                method: text(&request["method"]),
                host: text(&request["host"]),
                path: text(&request["path"]),
                query,
                headers,
                authorization: authorization.unwrap(),
            }
        })
        .collect();
    (data["now"].as_i64().unwrap(), text(&data["secret_key"]), vectors)
}

#[test]
fn what_the_official_client_signs_is_accepted() {
    let (now, secret, vectors) = official();
    assert!(vectors.len() >= 9);
    for vector in &vectors {
        assert_eq!(verify(&vector.authorization, vector.parts(), &secret, now), Ok(()), "{}", vector.name);
    }
}

#[test]
fn any_change_is_refused() {
    let (now, secret, vectors) = official();
    for vector in &vectors {
        let refused =
            |parts| matches!(verify(&vector.authorization, parts, &secret, now), Err(Refusal::Mismatch { .. }));
        let parts = vector.parts();
        let name = &vector.name;
        assert!(refused(SignedParts { method: "PUT", ..parts }), "{name}");
        assert!(refused(SignedParts { path: "/else", ..parts }), "{name}");
        assert!(refused(SignedParts { host: "b-1.cos.ap-guangzhou.myqcloud.com", ..parts }), "{name}");
        assert!(
            matches!(verify(&vector.authorization, parts, "another", now), Err(Refusal::Mismatch { .. })),
            "{name}"
        );
        if !vector.authorization.url_param_list.is_empty() {
            let empty = Query::default();
            assert!(refused(SignedParts { query: &empty, ..parts }), "{name}");
        }
    }
}

#[test]
fn the_window_bounds_the_signature() {
    let (now, secret, vectors) = official();
    let vector = &vectors[0];
    let at = |now| verify(&vector.authorization, vector.parts(), &secret, now);
    assert_eq!(at(now - 60), Ok(()));
    assert_eq!(at(now - 61), Err(Refusal::NotYetValid));
    assert_eq!(at(now + 10_000), Ok(()));
    assert_eq!(at(now + 10_001), Err(Refusal::Expired));
}

#[test]
fn a_refusal_shows_what_was_to_be_signed() {
    let (now, _, vectors) = official();
    let vector = vectors.iter().find(|v| v.name == "empty segments").unwrap();
    let Err(Refusal::Mismatch { string_to_sign, format_string }) =
        verify(&vector.authorization, vector.parts(), "wrong", now)
    else {
        panic!("a wrong key was accepted");
    };
    assert_eq!(format_string, "get\n/a//b/\n\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n");
    let digest = hex(&Sha1::digest(format_string.as_bytes()));
    assert_eq!(string_to_sign, format!("sha1\n1699999940;1700010000\n{digest}\n"));
}

#[test]
fn the_host_may_be_signed_with_or_without_its_port() {
    let (now, secret, vectors) = official();
    let vector = vectors.iter().find(|v| v.name == "empty segments").unwrap();
    let host = format!("{}:8080", vector.host);
    let parts = SignedParts { host: &host, ..vector.parts() };
    assert_eq!(verify(&vector.authorization, parts, &secret, now), Ok(()));
}

#[test]
fn a_bare_plus_in_a_path_counts_as_a_space() {
    let (_, _, vectors) = official();
    let parts = SignedParts { path: "/a+b%2Bc", ..vectors[0].parts() };
    let format = format_string(&vectors[0].authorization, parts, "h");
    assert!(format.starts_with("get\n/a b+c\n"), "{format}");
}

#[test]
fn garbled_authorizations_are_none() {
    let whole = "q-sign-algorithm=sha1&q-ak=a&q-sign-time=1;2&q-key-time=1;2\
                 &q-header-list=host&q-url-param-list=&q-signature=00";
    assert!(Authorization::from_header(whole).is_some());
    for (what, with) in [
        ("sha1", "sha256"),
        ("q-ak=a&", ""),
        ("&q-signature=00", ""),
        ("q-header-list=host&", ""),
        ("q-key-time", "q-key-tine"),
    ] {
        assert_eq!(Authorization::from_header(&whole.replace(what, with)), None);
    }
    assert_eq!(Authorization::from_header(""), None);
    assert_eq!(parse_window("1;x"), None);
    assert_eq!(parse_window("1"), None);
}
