//! GET Object and HEAD Object.

use http::{HeaderName, Method, StatusCode, header};

use super::{Answer, Asked, Service, set};
use crate::{
    conditions::{self, Outcome},
    error::ServiceError,
    object::{guess_content_type, metadata_header},
    query::Query,
    range::{self, Selection},
    store::Object,
    timestamps,
};

const CRC64: HeaderName = HeaderName::from_static("x-cos-hash-crc64ecma");
const STORAGE_CLASS: HeaderName = HeaderName::from_static("x-cos-storage-class");

impl Service {
    pub(super) async fn object(&self, asked: &Asked<'_>, bucket: &str, key: &str) -> Result<Answer, ServiceError> {
        let place = (bucket.to_owned(), key.to_owned());
        let (object, crc64) = self
            .blocking(move |store| {
                let object = store.object(&place.0, &place.1)?.ok_or(ServiceError::NoSuchKey)?;
                let crc64 = if object.options.without_crc64 { None } else { Some(object.content.crc64()?) };
                Ok((object, crc64))
            })
            .await?;
        let get = asked.method == Method::GET;
        if get && object.options.is_archived() {
            return Err(ServiceError::InvalidObjectState { storage_class: object.options.storage_class().to_owned() });
        }

        let mut answer = Answer::empty(StatusCode::OK);
        describe(&mut answer, key, &object, crc64);
        match conditions::check(asked.headers, &object.etag, object.last_modified) {
            Outcome::Proceed => {}
            Outcome::Failed => return Err(ServiceError::PreconditionFailed),
            Outcome::NotModified => {
                answer.status = StatusCode::NOT_MODIFIED;
                return Ok(answer);
            }
        }
        let headers = &mut answer.headers;
        set(headers, header::LAST_MODIFIED, &timestamps::http_date(object.last_modified));
        set(headers, header::ACCEPT_RANGES, "bytes");
        answer.length = object.length;
        if !get {
            return Ok(answer);
        }

        override_headers(&mut answer, asked.query);
        let part = match range::select(asked.header(header::RANGE), object.length) {
            Selection::Whole => None,
            Selection::Part(part) => Some(part),
            Selection::Unsatisfiable => {
                return Err(ServiceError::InvalidRange { length: object.length });
            }
        };
        if let Some(part) = part {
            answer.status = StatusCode::PARTIAL_CONTENT;
            answer.length = part.len();
            set(
                &mut answer.headers,
                header::CONTENT_RANGE,
                &format!("bytes {}-{}/{}", part.first, part.last, object.length),
            );
        }
        answer.body = object.content.stream(part).await?;
        Ok(answer)
    }
}

/// The headers that an object has whatever was asked of it.
fn describe(answer: &mut Answer, key: &str, object: &Object, crc64: Option<u64>) {
    let headers = &mut answer.headers;
    let options = &object.options;
    let guessed;
    let content_type = match &options.content_type {
        Some(content_type) => content_type,
        None => {
            guessed = guess_content_type(key);
            &guessed
        }
    };
    set(headers, header::CONTENT_TYPE, content_type);
    set(headers, header::ETAG, &object.etag);
    if let Some(crc64) = crc64 {
        set(headers, CRC64, &crc64.to_string());
    }
    for (name, value) in [
        (header::CONTENT_ENCODING, &options.content_encoding),
        (header::CONTENT_DISPOSITION, &options.content_disposition),
        (header::CACHE_CONTROL, &options.cache_control),
    ] {
        if let Some(value) = value {
            set(headers, name, value);
        }
    }
    if options.storage_class() != "STANDARD" {
        set(headers, STORAGE_CLASS, options.storage_class());
    }
    for (name, value) in &options.metadata {
        if let Some(name) = metadata_header(name) {
            set(headers, name, value);
        }
    }
}

/// `response-content-type` and the like (COS page "GET Object").
fn override_headers(answer: &mut Answer, query: &Query) {
    for (parameter, name) in [
        ("response-cache-control", header::CACHE_CONTROL),
        ("response-content-disposition", header::CONTENT_DISPOSITION),
        ("response-content-encoding", header::CONTENT_ENCODING),
        ("response-content-language", header::CONTENT_LANGUAGE),
        ("response-content-type", header::CONTENT_TYPE),
        ("response-expires", header::EXPIRES),
    ] {
        if let Some(value) = query.get_filled(parameter) {
            set(&mut answer.headers, name, value);
        }
    }
}
