//! From a request to an answer.

mod buckets;
mod objects;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    addressing::{self, Resource},
    body_faults::spoil,
    error::ServiceError,
    faults::{Fault, Faults, Operation},
    header_case::HeaderCase,
    object::ObjectOptions,
    query::Query,
    request_id::{RequestIds, trace_id},
    request_log::{LoggedRequest, RequestLog},
    signature::{self, Authorization, Refusal, SignedParts},
    store::{BucketInfo, ByteStream, Store},
    timestamps,
    url_encoding::decode_path,
    xml,
};

const SECURITY_TOKEN: &str = "x-cos-security-token";

/// Parts of COS behind the same addresses that are not emulated: answering
/// them as a listing or an object would mislead.
const SUBRESOURCES: [&str; 24] = [
    "accelerate",
    "acl",
    "cors",
    "domain",
    "encryption",
    "inventory",
    "lifecycle",
    "list-type",
    "location",
    "logging",
    "object-lock",
    "origin",
    "policy",
    "referer",
    "replication",
    "restore",
    "select",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) credentials: Vec<(String, SecretString)>,
    pub(crate) session_token: Option<SecretString>,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) ids: RequestIds,
    pub(crate) header_case: HeaderCase,
}

type FrameStream = Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>;

/// The body of an answer on its way out.
pub(crate) type Body = StreamBody<FrameStream>;

/// An answer whose body has not begun.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Of the body, also where it is left out (HEAD).
    pub(crate) length: u64,
    pub(crate) length_is_said: bool,
    /// Not so for the error page of a gateway.
    pub(crate) is_from_cos: bool,
    pub(crate) body: ByteStream,
}

impl Answer {
    /// An answer whose body is here already.
    pub(crate) fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            length: body.len() as u64,
            length_is_said: true,
            is_from_cos: true,
            body: Box::pin(stream::once(async { Ok(body) })),
        }
    }

    fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            length: 0,
            length_is_said: true,
            is_from_cos: true,
            body: Box::pin(stream::empty()),
        }
    }

    fn xml(status: StatusCode, body: String) -> Self {
        Self::whole(status, "application/xml", Bytes::from(body))
    }
}

/// A request without its body, which is never read.
struct Asked<'a> {
    method: &'a Method,
    host: &'a str,
    /// As sent.
    path: &'a str,
    query: &'a Query,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Who claims to have signed, from the header or the query.
    fn authorization(&self) -> Option<Authorization> {
        match self.header(header::AUTHORIZATION).filter(|value| !value.trim().is_empty()) {
            Some(value) => Authorization::from_header(value),
            None => Authorization::from_query(self.query),
        }
    }
}

/// Answers one request; the only entrance.
pub(crate) async fn answer(service: Arc<Service>, request: Request<Incoming>) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let host = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
    };
    let raw_query = parts.uri.query();
    let (query, malformed) = match Query::parse(raw_query) {
        Ok(query) => (query, None),
        Err(error) => (Query::default(), Some(error)),
    };
    let asked = Asked { method: &parts.method, host, path: parts.uri.path(), query: &query, headers: &parts.headers };

    let mut clock = SystemTime::now();
    let outcome = match malformed {
        Some(error) => Err(error),
        None => service.respond(&asked, &mut clock).await,
    };
    let id = service.ids.next(clock);
    let answer = outcome.unwrap_or_else(|error| refusal(&asked, &error, &id));

    service.log.push(LoggedRequest {
        method: parts.method.as_str().to_owned(),
        host: host.to_owned(),
        path: asked.path.to_owned(),
        query: raw_query.unwrap_or_default().to_owned(),
        range: asked.header(header::RANGE).map(str::to_owned),
        secret_id: asked.authorization().map(|authorization| authorization.access_key),
        status: answer.status.as_u16(),
    });
    tracing::debug!(
        method = %parts.method,
        host,
        path = asked.path,
        status = answer.status.as_u16(),
        "answered"
    );
    let mut response = into_response(answer, parts.method == Method::HEAD, clock, &id);
    service.header_case.apply(&mut response);
    response
}

fn into_response(answer: Answer, head: bool, clock: SystemTime, id: &str) -> Response<Body> {
    let body: FrameStream =
        if head { Box::pin(stream::empty()) } else { Box::pin(answer.body.map(|piece| piece.map(Frame::data))) };
    let mut response = Response::new(StreamBody::new(body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let headers = response.headers_mut();
    if answer.length_is_said && answer.status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(answer.length));
    }
    set(headers, header::DATE, &timestamps::http_date(clock));
    if answer.is_from_cos {
        set(headers, header::SERVER, "tencent-cos");
        set(headers, HeaderName::from_static("x-cos-request-id"), id);
    }
    response
}

/// The answer to a request that went wrong. A HEAD gets no body.
fn refusal(asked: &Asked<'_>, error: &ServiceError, id: &str) -> Answer {
    let trace = trace_id();
    let mut answer = if asked.method == Method::HEAD {
        Answer::empty(error.status())
    } else {
        // XML has no control characters.
        let path = decode_path(asked.path)
            .filter(|path| !path.chars().any(char::is_control))
            .unwrap_or_else(|| asked.path.to_owned());
        let resource = match path.as_str() {
            "/" => asked.host.to_owned(),
            path => format!("{}{path}", asked.host),
        };
        Answer::xml(error.status(), xml::error_body(error, &resource, id, &trace))
    };
    set(&mut answer.headers, HeaderName::from_static("x-cos-trace-id"), &trace);
    match error {
        ServiceError::InvalidObjectState { storage_class } => {
            set(&mut answer.headers, HeaderName::from_static("x-cos-storage-class"), storage_class)
        }
        ServiceError::InvalidRange { length } => {
            set(&mut answer.headers, header::CONTENT_RANGE, &format!("bytes */{length}"))
        }
        ServiceError::MethodNotAllowed => set(&mut answer.headers, header::ALLOW, "GET, HEAD"),
        _ => {}
    }
    answer
}

impl Service {
    async fn respond(&self, asked: &Asked<'_>, clock: &mut SystemTime) -> Result<Answer, ServiceError> {
        if asked.method != Method::GET && asked.method != Method::HEAD {
            return Err(ServiceError::MethodNotAllowed);
        }
        let resource = addressing::resolve(asked.host, asked.path)?;
        let key = match &resource {
            Resource::Object { key, .. } => Some(key.as_str()),
            _ => None,
        };
        let faults = self.faults.take(operation(asked.method, &resource), asked.host, key);
        for fault in &faults {
            match fault {
                Fault::DelayHeaders(time) => tokio::time::sleep(*time).await,
                Fault::SlowDown => return Err(ServiceError::SlowDown),
                Fault::Gateway { status } => return Ok(gateway_page(*status)),
                Fault::Status { status, code } => {
                    return Err(ServiceError::Injected { status: *status, code: code.clone() });
                }
                Fault::ClockSkew { seconds } => *clock = shifted(*clock, *seconds),
                _ => {}
            }
        }
        let signer = self.authenticate(asked, *clock)?;
        if SUBRESOURCES.iter().any(|name| asked.query.contains(name)) {
            return Err(ServiceError::NotImplemented);
        }
        let answer = match &resource {
            Resource::Service { region } => self.list_buckets(asked.query, region.as_deref(), &signer).await,
            Resource::Bucket { bucket, region } => {
                let bucket = self.bucket(bucket, region.as_deref(), &signer).await?;
                if asked.method == Method::HEAD {
                    Ok(buckets::head(&bucket))
                } else {
                    self.list_objects(asked.query, bucket).await
                }
            }
            Resource::Object { bucket, region, key } => {
                let bucket = self.bucket(bucket, region.as_deref(), &signer).await?;
                let answer = self.object(asked, &bucket.name, key).await?;
                self.replace(&bucket.name, key, &faults);
                Ok(answer)
            }
        }?;
        Ok(spoil(answer, &faults))
    }

    /// The SecretId that signed the request.
    fn authenticate(&self, asked: &Asked<'_>, clock: SystemTime) -> Result<String, ServiceError> {
        let authorization = asked.authorization().ok_or(ServiceError::AccessDenied)?;
        let (_, secret) = self
            .credentials
            .iter()
            .find(|(id, _)| *id == authorization.access_key)
            .ok_or(ServiceError::InvalidAccessKeyId)?;
        if let Some(token) = &self.session_token {
            let given = asked.header(SECURITY_TOKEN).or_else(|| asked.query.get(SECURITY_TOKEN));
            // A temporary key is not known without its token.
            if given != Some(token.expose_secret()) {
                return Err(ServiceError::InvalidAccessKeyId);
            }
        }
        let parts = SignedParts {
            method: asked.method.as_str(),
            path: asked.path,
            query: asked.query,
            headers: asked.headers,
            host: asked.host,
        };
        signature::verify(&authorization, parts, secret.expose_secret(), unix(clock)).map_err(
            |refusal| match refusal {
                Refusal::Malformed => ServiceError::AccessDenied,
                Refusal::NotYetValid => ServiceError::RequestTimeTooSkewed,
                Refusal::Expired => ServiceError::RequestExpired,
                Refusal::Mismatch { string_to_sign, format_string } => {
                    ServiceError::SignatureDoesNotMatch { string_to_sign, format_string }
                }
            },
        )?;
        Ok(authorization.access_key)
    }

    /// The bucket, where the host that was asked serves its region and its owner asks.
    async fn bucket(&self, name: &str, region: Option<&str>, signer: &str) -> Result<BucketInfo, ServiceError> {
        let name = name.to_owned();
        let bucket = self
            .blocking(move |store| Ok(store.bucket(&name)?))
            .await?
            .filter(|bucket| region.is_none_or(|region| region == bucket.region))
            .ok_or(ServiceError::NoSuchBucket)?;
        if bucket.is_open_to(signer) { Ok(bucket) } else { Err(ServiceError::AccessDenied) }
    }

    fn replace(&self, bucket: &str, key: &str, faults: &[Fault]) {
        for fault in faults {
            if let Fault::ReplaceObject(bytes) = fault
                && let Err(error) = self.store.put_bytes(bucket, key, bytes.clone(), ObjectOptions::default())
            {
                tracing::error!(%error, "the object could not be replaced");
            }
        }
    }

    /// Reads the store where reading may block.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || read(&store)).await.map_err(|_| ServiceError::Internal)?
    }
}

/// What a gateway says that does not reach COS.
fn gateway_page(status: u16) -> Answer {
    let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    Answer { is_from_cos: false, ..Answer::whole(status, "text/html", Bytes::from(page)) }
}

fn operation(method: &Method, resource: &Resource) -> Operation {
    let head = method == Method::HEAD;
    match resource {
        Resource::Service { .. } => Operation::ListBuckets,
        Resource::Bucket { .. } if head => Operation::HeadBucket,
        Resource::Bucket { .. } => Operation::ListObjects,
        Resource::Object { .. } if head => Operation::HeadObject,
        Resource::Object { .. } => Operation::GetObject,
    }
}

/// Sets a header; a value that cannot be one is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn unix(time: SystemTime) -> i64 {
    i64::try_from(timestamps::seconds(time)).unwrap_or_default()
}

/// A clock that is off by `seconds`; one that no clock can show is 1970.
fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 { time.checked_sub(by) } else { time.checked_add(by) };
    moved.unwrap_or(UNIX_EPOCH)
}
