use hmac::{Hmac, KeyInit, Mac};
use http::header::HeaderName;
use serde::Deserialize;
use sha1::{Digest, Sha1};

use super::*;
use crate::EndpointTemplate;

/// What the official SDK for Python makes of some requests; `signatures.py` says how it was made.
const TABLE: &str = include_str!("../../tests/data/signatures.json");

#[derive(Deserialize)]
struct Table {
    secret_id: String,
    secret_key: String,
    requests: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    method: String,
    url: String,
    headers: std::collections::BTreeMap<String, String>,
    /// Method, path, query and headers as the SDK hashes them.
    http_string: String,
    authorization: String,
}

fn field<'a>(authorization: &'a str, name: &str) -> &'a str {
    authorization
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {authorization}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac_sha1(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// The last step of the signature, which alone depends on the time.
fn signature(secret_key: &str, key_time: &str, http_string: &str) -> String {
    let hashed = hex(&Sha1::digest(http_string.as_bytes()));
    hmac_sha1(&hmac_sha1(secret_key, key_time), &format!("sha1\n{key_time}\n{hashed}\n"))
}

fn signer(secret_id: &str, secret_key: &str, session_token: Option<&str>) -> Result<Signer, CosError> {
    Signer::new(&CosConfig {
        secret_id: secret_id.into(),
        secret_key: secret_key.into(),
        session_token: session_token.map(Into::into),
        region: None,
        endpoint: EndpointTemplate::default(),
        auto_switch_domain: false,
    })
}

#[tokio::test]
async fn it_signs_as_the_official_sdk_does() {
    let table: Table = serde_json::from_str(TABLE).unwrap();
    assert!(table.requests.len() >= 200);
    for row in table.requests {
        let theirs = &row.authorization;
        // The step below is right if it gives the SDK's own signature at the SDK's own time.
        assert_eq!(
            signature(&table.secret_key, field(theirs, "q-key-time"), &row.http_string),
            field(theirs, "q-signature"),
            "{}",
            row.name
        );

        // The token of a temporary key changes nothing of it: it stands beside the signature.
        for token in [None, Some("to/ken+=")] {
            let headers = row.headers.iter();
            let headers = headers.map(|(name, value)| (HeaderName::try_from(name).unwrap(), value.parse().unwrap()));
            let signed = signer(&table.secret_id, &table.secret_key, token)
                .unwrap()
                .sign(&row.method.parse().unwrap(), &Url::parse(&row.url).unwrap(), headers.collect())
                .await
                .unwrap();
            assert_eq!(signed.get("x-cos-security-token").map(|token| token.to_str().unwrap()), token);
            let ours = signed.get("authorization").unwrap();
            assert!(ours.is_sensitive());
            let ours = ours.to_str().unwrap();
            for name in ["q-sign-algorithm", "q-ak", "q-header-list", "q-url-param-list"] {
                assert_eq!(field(ours, name), field(theirs, name), "{} {name}", row.name);
            }
            assert_eq!(
                field(ours, "q-signature"),
                signature(&table.secret_key, field(ours, "q-key-time"), &row.http_string),
                "{}",
                row.name
            );
        }
    }
}

#[tokio::test]
async fn the_token_of_a_temporary_key_is_sent_beside_the_signature() {
    let url = Url::parse("https://b.example/").unwrap();
    let signed = signer("id", "key", Some("to/+=")).unwrap().sign(&Method::GET, &url, HeaderMap::new()).await.unwrap();
    let token = signed.get("x-cos-security-token").unwrap();
    assert_eq!(token, "to/+=");
    assert!(token.is_sensitive());
    assert_eq!(field(signed.get("authorization").unwrap().to_str().unwrap(), "q-header-list"), "host");
}

#[tokio::test]
async fn a_signature_begins_now_and_ends_in_an_hour() {
    let url = Url::parse("https://b.example/").unwrap();
    let signed = signer("id", "key", None).unwrap().sign(&Method::GET, &url, HeaderMap::new()).await.unwrap();
    let authorization = signed.get("authorization").unwrap().to_str().unwrap();
    let (start, end) = field(authorization, "q-sign-time").split_once(';').unwrap();
    let (start, end): (u64, u64) = (start.parse().unwrap(), end.parse().unwrap());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(start) <= 5, "{start} is not {now}");
    assert_eq!(end - start, 3600);
}

#[tokio::test]
async fn white_space_around_a_secret_is_not_part_of_it() {
    let url = Url::parse("https://b.example/").unwrap();
    let signer = signer(" id\n", "\tkey ", Some("  ")).unwrap();
    let signed = signer.sign(&Method::GET, &url, HeaderMap::new()).await.unwrap();
    let authorization = signed.get("authorization").unwrap().to_str().unwrap();
    assert_eq!(field(authorization, "q-ak"), "id");
    let string = "get\n/\n\nhost=b.example\n";
    assert_eq!(field(authorization, "q-signature"), signature("key", field(authorization, "q-key-time"), string));
    assert!(!signed.contains_key("x-cos-security-token"));
}

#[test]
fn secrets_that_cannot_be_are_named_and_not_shown() {
    for (id, key, token, message) in [
        ("", "key", None, "the secret ID is empty"),
        ("id", " \n", None, "the secret key is empty"),
        ("id", "open sesame", None, "the secret key holds a space, a line break or a character outside ASCII"),
        ("id", "key", Some("a\nb"), "the session token holds a space, a line break or a character outside ASCII"),
        ("密钥", "key", None, "the secret ID holds a space, a line break or a character outside ASCII"),
    ] {
        assert_eq!(signer(id, key, token).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_repeated_secret_is_taken_out() {
    let signer = signer("AKIDx", "sesame", Some("token9")).unwrap();
    assert_eq!(signer.redact("AKIDx and token9, sesame!"), "*** and ***, ***!");
    assert_eq!(format!("{signer:?}"), "Signer { .. }");
}
