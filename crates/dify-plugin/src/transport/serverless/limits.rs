//! What the server takes on, beside what the environment says.

use std::time::Duration;

/// Largest request that is read, in bytes: `MAX_SERVERLESS_REQUEST_BYTES` of the daemon, which sends nothing larger.
pub(super) const MAX_REQUEST_BODY: usize = 5_242_880;

/// Bytes of all requests that are being read or wait for a place.
pub(super) const REQUEST_ROOM: usize = 64 * 1024 * 1024;

/// How long a request's body may take.
pub(super) const REQUEST_BODY: Duration = Duration::from_secs(30);

/// Most bytes and fields of a request's head.
pub(super) const MAX_HEAD: usize = 32 * 1024;
pub(super) const MAX_HEADERS: usize = 100;

/// How long a request's head may take once it has begun.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// How long a connection may be idle. Longer than the daemon's 120 s, so that it is the daemon who closes: a request
/// could otherwise meet a connection that is just being closed.
pub(super) const IDLE: Duration = Duration::from_secs(130);

/// Bytes of a response that the connection holds beside those that wait for it.
pub(super) const CONNECTION_BUFFER: usize = 64 * 1024;

/// Connections beyond one per call: for probes, and for those who wait for a place.
pub(super) const MORE_CONNECTIONS: usize = 256;

/// How long a call waits for a place.
pub(super) const PLACE: Duration = Duration::from_secs(10);

/// How long calls may go on when the process is told to stop. Kubernetes kills 30 s after it has asked.
pub(super) const DRAIN: Duration = Duration::from_secs(20);

/// How long the last bytes may take to be read.
pub(super) const LAST_BYTES: Duration = Duration::from_secs(3);
