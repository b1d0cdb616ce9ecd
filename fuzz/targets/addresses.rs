//! Addresses that users type: of a ComfyUI server, and the endpoint of COS.

use comfyui::ServerAddress;
use tencent_cos::EndpointTemplate;

use super::reader;

pub(super) fn run(bytes: &[u8]) {
    let (reader, rest) = reader(bytes);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match reader {
        0 => server(text),
        _ => endpoint(text),
    }
}

fn server(text: &str) {
    let Ok(address) = ServerAddress::parse(text) else { return };
    let base = address.base();
    assert!(matches!(base.scheme(), "http" | "https") && base.has_host(), "{base}");
    assert!(base.username().is_empty() && base.password().is_none(), "a password is left in the address");
    // Whatever is asked for stays below the address, on the same host.
    for part in ["../../x", "..", "a/b?c#d", "", "é\0", text] {
        for url in [address.http(&["history", part]), address.websocket(part)] {
            assert_eq!((url.host(), url.port_or_known_default()), (base.host(), base.port_or_known_default()));
            assert!(url.path().starts_with(base.path().trim_end_matches('/')), "{url} is not below {base}");
            assert!(url.fragment().is_none());
        }
    }
    // It reads what it writes.
    let again = ServerAddress::parse(base.as_str()).expect("its own address");
    assert_eq!(again.base(), base);
}

fn endpoint(text: &str) {
    let mut parts = text.splitn(3, '\n');
    let template = parts.next().unwrap_or_default();
    let (bucket, key) = (parts.next().unwrap_or("b-125"), parts.next().unwrap_or("k"));
    let Ok(endpoint) = EndpointTemplate::parse(template) else { return };
    let again = EndpointTemplate::parse(&endpoint.to_string()).expect("its own text");
    assert_eq!(again.to_string(), endpoint.to_string());
    let _ = endpoint.service_url(Some("ap-beijing"));
    if let Ok(url) = endpoint.bucket_url(bucket, Some("ap-beijing"), Some(key)) {
        assert!(url.query().is_none() && url.fragment().is_none(), "{url}");
        let plain = endpoint.bucket_url(bucket, Some("ap-beijing"), Some("k")).expect("with a plain key");
        assert_eq!(url.host(), plain.host(), "a key moved the request to another host");
    }
}
