//! What a client bound to one origin does and refuses, against servers on the loopback interface.

#![allow(clippy::unwrap_used)]
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use origin_client::{Connections, Origin, OriginError, TransportError, TransportFailure};
use url::Url;

/// Answers every connection with `answer`, which may be cut short, and closes it.
fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            stream.write_all(answer(&request).as_bytes()).unwrap();
        }
    });
    address
}

fn url(address: SocketAddr, path: &str) -> Url {
    Url::parse(&format!("http://{address}{path}")).unwrap()
}

async fn failure_of(url: Url) -> TransportError {
    let client = Connections::new().unwrap().to(&url).unwrap();
    let error = match client.get(url).unwrap().send().await {
        Err(error) => error,
        Ok(response) => response.bytes().await.unwrap_err(),
    };
    TransportError::new(client.origin(), &error)
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed() {
    let address = serve(|request| {
        if request.starts_with("GET /new ") {
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere".to_owned()
        } else {
            "HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
        }
    });
    let client = Connections::new().unwrap().to(&url(address, "/")).unwrap();
    let answer = client.get(url(address, "/old")).unwrap().send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "here");
}

#[tokio::test]
async fn a_redirect_elsewhere_is_an_error_that_names_the_place_and_hides_the_query() {
    let elsewhere = serve(|_| panic!("the other server was contacted"));
    let address = serve(move |_| {
        format!("HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/x?sign=s3cret\r\ncontent-length: 0\r\n\r\n")
    });
    let error = failure_of(url(address, "/?sign=s3cret")).await;
    assert_eq!(error.failure, TransportFailure::RedirectElsewhere(format!("http://{elsewhere}")));
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn another_origin_is_refused_before_a_socket_is_opened() {
    let bound = Url::parse("http://127.0.0.1:1/").unwrap();
    let client = Connections::new().unwrap().to(&bound).unwrap();
    for other in ["http://127.0.0.1:2/", "https://127.0.0.1:1/", "http://localhost:1/"] {
        let refused = client.get(Url::parse(other).unwrap());
        assert!(matches!(refused, Err(OriginError::Elsewhere { .. })), "{other}");
    }
    assert_eq!(client.origin(), &Origin::of(&bound).unwrap());
}

#[tokio::test]
async fn failures_are_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(failure_of(url(nobody, "/")).await.failure, TransportFailure::Refused);

    let unknown = Url::parse("http://no-such-host.invalid/?key=s3cret").unwrap();
    let error = failure_of(unknown).await;
    assert_eq!(error.failure, TransportFailure::UnknownHost);
    assert_eq!(error.to_string(), "http://no-such-host.invalid: no such host");

    let cut = serve(|_| "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_owned());
    assert_eq!(failure_of(url(cut, "/")).await.failure, TransportFailure::ConnectionLost);

    let plain = serve(|_| "not TLS at all".to_owned());
    let https = Url::parse(&format!("https://{plain}/")).unwrap();
    assert!(matches!(failure_of(https).await.failure, TransportFailure::Tls(_)));
}

#[tokio::test]
async fn a_connection_for_another_protocol_goes_to_the_origin() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        // A machine without IPv6 has no such address.
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let address = listener.local_addr().unwrap();
        let client = Connections::new().unwrap().to(&url(address, "/")).unwrap();
        let stream = client.connect().await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
    }
    let client = Connections::new().unwrap().to(&url(nobody, "/")).unwrap();
    assert_eq!(client.connect().await.unwrap_err().failure, TransportFailure::Refused);
}

#[tokio::test]
async fn redirects_that_go_round_in_a_circle_end() {
    let address =
        serve(|_| "HTTP/1.1 302 Found\r\nlocation: /on\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned());
    let failure = failure_of(url(address, "/")).await.failure;
    assert_eq!(failure, TransportFailure::Other("more than 5 redirects".to_owned()));
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    // The HTTP library's own bounds: 100 fields, and some 400 KiB in all.
    for head in ["x: y\r\n".repeat(101), format!("x: {}\r\n", "y".repeat(1 << 20))] {
        let address = serve(move |_| format!("HTTP/1.1 200 OK\r\n{head}content-length: 0\r\n\r\n"));
        assert!(matches!(failure_of(url(address, "/")).await.failure, TransportFailure::Other(_)));
    }
}
