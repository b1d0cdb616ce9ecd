use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use http::header::{HeaderMap, USER_AGENT};
use origin_client::{Connections, Origin, TransportError};
use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use url::Url;

use crate::answer::{read_bounded, read_start};
use crate::error_response::{one_line, parse_error_response};
use crate::reading::Reading;
use crate::refusal::{Refusal, request_id};
use crate::route::Route;
use crate::sign::Signer;
use crate::{CosConfig, CosError, EndpointTemplate, MalformedAnswer, RequestLimit, Target};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("oxidify-tencent-cos/", env!("CARGO_PKG_VERSION")));

/// Most bytes of a listing that are read. A page of 1000 keys of COS's greatest length, percent-encoded, is below 4 MiB.
const MAX_LISTING: usize = 8 << 20;

/// Longest description of a malformed answer, in characters: it may quote the answer.
const MAX_PROBLEM: usize = 300;

/// Most bytes of an error that are read.
const MAX_ERROR: usize = 64 << 10;

/// A client of one account's buckets. It can list and read, and has no way to express a write.
///
/// Cheap to clone; clones share connections. A call that fails for a passing reason is tried three times in all.
#[derive(Clone)]
pub struct Cos {
    shared: Arc<Shared>,
    deadlines: Deadlines,
    limit: RequestLimit,
}

struct Shared {
    connections: Connections,
    signer: Signer,
    endpoint: EndpointTemplate,
    region: Option<String>,
    auto_switch_domain: bool,
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until the head of an answer, and to the end of a listing; for each attempt.
    pub answer: Duration,
    /// Between two pieces of an object.
    pub silence: Duration,
}

impl Default for Deadlines {
    /// 30 s each, as in the official SDK.
    fn default() -> Self {
        Self { answer: Duration::from_secs(30), silence: Duration::from_secs(30) }
    }
}

impl Cos {
    /// A client with connections of its own. Nothing is sent yet.
    ///
    /// # Errors
    /// [`CosError::Credential`] for an empty or malformed secret; [`CosError::Origin`] when TLS cannot be set up.
    pub fn new(config: CosConfig) -> Result<Self, CosError> {
        Self::with_connections(config, Connections::new()?)
    }

    /// A client over connections that others use, too.
    ///
    /// # Errors
    /// [`CosError::Credential`] for an empty or malformed secret.
    pub fn with_connections(config: CosConfig, connections: Connections) -> Result<Self, CosError> {
        let signer = Signer::new(&config)?;
        let region = config.region.filter(|region| !region.is_empty());
        let auto_switch_domain = config.auto_switch_domain;
        let shared = Shared { connections, signer, endpoint: config.endpoint, region, auto_switch_domain };
        Ok(Self { shared: Arc::new(shared), deadlines: Deadlines::default(), limit: RequestLimit::default() })
    }

    /// The same client with other deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// The same client, its requests counted together with those of others.
    #[must_use]
    pub fn with_limit(mut self, limit: RequestLimit) -> Self {
        self.limit = limit;
        self
    }

    /// How the addresses of buckets are made.
    #[must_use]
    pub fn endpoint(&self) -> &EndpointTemplate {
        &self.shared.endpoint
    }

    /// Leave to send a request, until it is dropped.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, CosError> {
        self.limit.place(self.deadlines.answer).await
    }

    pub(crate) const fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// `region`, or the one configured.
    pub(crate) fn region<'a>(&'a self, region: Option<&'a str>) -> Option<&'a str> {
        region.filter(|region| !region.is_empty()).or(self.shared.region.as_deref())
    }

    /// The head of a successful answer; its body is still to be read.
    pub(crate) async fn open(
        &self,
        target: &Target,
        reading: Reading,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, CosError> {
        let mut route = Route::new(url, self.shared.auto_switch_domain);
        loop {
            let answer = timeout(self.deadlines.answer, self.open_once(target, reading, route.url(), headers)).await;
            match answer.unwrap_or_else(|_| Err(silence(route.url(), self.deadlines.answer))) {
                Err(error) => route.pause_after(error).await?,
                opened => return opened,
            }
        }
    }

    /// The body of a successful answer to a `GET`, and what `parse` makes of it.
    pub(crate) async fn fetch<T: Send>(
        &self,
        target: &Target,
        url: &Url,
        parse: fn(&[u8]) -> Result<T, MalformedAnswer>,
    ) -> Result<T, CosError> {
        let _place = self.place().await?;
        let mut route = Route::new(url, self.shared.auto_switch_domain);
        loop {
            let answer = timeout(self.deadlines.answer, self.fetch_once(target, route.url())).await;
            match answer.unwrap_or_else(|_| Err(silence(route.url(), self.deadlines.answer))) {
                Err(error) => route.pause_after(error).await?,
                Ok((body, request_id)) => {
                    return parse(&body).or_else(|MalformedAnswer(problem)| {
                        let problem = one_line(&self.shared.signer.redact(&problem), MAX_PROBLEM).unwrap_or_default();
                        Err(CosError::Unreadable { origin: Origin::of(route.url())?, problem, request_id })
                    });
                }
            }
        }
    }

    async fn fetch_once(&self, target: &Target, url: &Url) -> Result<(Bytes, Option<String>), CosError> {
        let response = self.open_once(target, Reading::Get, url, &HeaderMap::new()).await?;
        let origin = Origin::of(url)?;
        let request_id = request_id(response.headers());
        match read_bounded(response, MAX_LISTING).await {
            Ok(Some(body)) => Ok((body, request_id)),
            Ok(None) => Err(CosError::Unreadable {
                origin,
                problem: format!("the answer is longer than {MAX_LISTING} bytes"),
                request_id,
            }),
            Err(error) => Err(CosError::Transport(TransportError::new(&origin, &error))),
        }
    }

    async fn open_once(
        &self,
        target: &Target,
        reading: Reading,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, CosError> {
        let client = self.shared.connections.to(url)?;
        let mut headers = self.shared.signer.sign(&reading.method(), url, headers.clone()).await?;
        // Added after signing: a proxy may write its own.
        headers.insert(USER_AGENT, AGENT);
        let response = client
            .request(reading.method(), url.clone())?
            .headers(headers)
            .send()
            .await
            .map_err(|error| CosError::Transport(TransportError::new(client.origin(), &error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = String::from_utf8_lossy(&read_start(response, MAX_ERROR).await).into_owned();
        // Before it is cut, which could leave a part of a secret.
        let body = parse_error_response(self.shared.signer.redact(&body).as_bytes());
        Err(CosError::Refused(Box::new(Refusal::new(target, status, &headers, body, SystemTime::now()))))
    }
}

impl fmt::Debug for Cos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cos")
            .field("endpoint", &self.shared.endpoint)
            .field("region", &self.shared.region)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

pub(crate) fn silence(url: &Url, waited: Duration) -> CosError {
    match Origin::of(url) {
        Ok(origin) => CosError::Silence { origin, waited },
        Err(error) => CosError::Origin(error),
    }
}
