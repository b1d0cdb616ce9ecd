use std::net::TcpStream;

use cos_emulator::{CosEmulator, Error};

use crate::client::{Request, server};

#[tokio::test]
async fn a_stopped_emulator_is_gone() {
    let server = server().await;
    let address = server.address();
    assert_eq!(server.url(), format!("http://{address}"));
    assert_eq!(Request::bucket(&server).send().status, 200);
    // A connection that stays open does not hold it.
    let _idle = TcpStream::connect(address).unwrap();
    server.stop().await;
    assert!(TcpStream::connect(address).is_err());
    CosEmulator::builder().port(address.port()).start().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_had_is_said() {
    let first = server().await;
    let port = first.address().port();
    let second = CosEmulator::builder().port(port).start().await;
    assert!(matches!(second, Err(Error::Listen { .. })));
    let nowhere = CosEmulator::builder().root("/no/such/folder").start().await;
    assert!(matches!(nowhere, Err(Error::Root { .. })));
}
