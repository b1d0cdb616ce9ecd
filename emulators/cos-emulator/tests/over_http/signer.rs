//! Signs requests as the COS page "Request Signature" (436/7778) says.

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

pub(crate) struct Signer<'a> {
    pub(crate) secret_id: &'a str,
    pub(crate) secret_key: &'a str,
    /// Unix seconds: first and last.
    pub(crate) window: (i64, i64),
}

impl Signer<'_> {
    /// `path` is decoded; `headers` and `query` are the parts to be signed.
    pub(crate) fn sign(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        headers: &[(String, String)],
    ) -> Vec<(&'static str, String)> {
        let key_time = format!("{};{}", self.window.0, self.window.1);
        let (query_names, query_pairs) = canonical(query);
        let (header_names, header_pairs) = canonical(headers);
        let http_string = format!("{}\n{path}\n{query_pairs}\n{header_pairs}\n", method.to_lowercase());
        let sign_key = hmac(self.secret_key, &key_time);
        let digest = hex(&Sha1::digest(http_string.as_bytes()));
        let signature = hmac(&sign_key, &format!("sha1\n{key_time}\n{digest}\n"));
        vec![
            ("q-sign-algorithm", "sha1".to_owned()),
            ("q-ak", self.secret_id.to_owned()),
            ("q-sign-time", key_time.clone()),
            ("q-key-time", key_time),
            ("q-header-list", header_names),
            ("q-url-param-list", query_names),
            ("q-signature", signature),
        ]
    }
}

fn canonical(pairs: &[(String, String)]) -> (String, String) {
    let mut encoded: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encode(name).to_lowercase(), encode(value))).collect();
    encoded.sort();
    let names: Vec<&str> = encoded.iter().map(|(name, _)| name.as_str()).collect();
    let joined: Vec<String> = encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (names.join(";"), joined.join("&"))
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => (byte as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn hmac(key: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The example of the COS page "Request Signature".
#[test]
fn the_documented_example() {
    let signer = Signer {
        secret_id: "AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q",
        secret_key: "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz",
        window: (1_557_989_753, 1_557_996_953),
    };
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = signer.sign(
        "GET",
        "/exampleobject(腾讯云)",
        &[text("response-content-type", "application/octet-stream"), text("response-cache-control", "max-age=600")],
        &[
            text("Date", "Thu, 16 May 2019 06:55:53 GMT"),
            text("Host", "examplebucket-1250000000.cos.ap-beijing.myqcloud.com"),
        ],
    );
    let signature = &fields.last().unwrap().1;
    assert_eq!(signature, "01681b8c9d798a678e43b685a9f1bba0f6c0e012");
}
