use std::time::Duration;

use dify_plugin_protocol::{BackwardsInvocation, UploadFileRequest, UploadFileResponse, UploadedFile, limits};
use origin_client::{Origin, TransportError, TransportFailure};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, StatusCode};
use url::Url;

use super::call_back;
use crate::session::Session;
use crate::{Error, OutgoingFile};

/// How long an upload may take, until Dify has answered: no call lasts longer.
const UPLOAD_TIMEOUT: Duration = limits::CALL;

/// How much of Dify's answer is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Why an upload did not happen.
#[derive(Debug)]
pub(crate) enum UploadFailure {
    /// Dify gave no address to upload to. Not a byte of the file was read.
    NoAddress { error: Error, file: OutgoingFile },
    /// Dify refused the file, or could not be reached.
    Refused(Error),
    /// The file's own stream failed.
    Source(Error),
}

impl UploadFailure {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::NoAddress { error, .. } | Self::Refused(error) | Self::Source(error) => error,
        }
    }
}

/// Uploads a file to the URL that Dify gives for it. The file becomes a tool file in Dify.
pub(crate) async fn upload(session: &Session, file: OutgoingFile) -> Result<UploadedFile, UploadFailure> {
    let name = file.name.clone().unwrap_or_else(|| "file".to_owned());
    let media_type = file.dify_media_type();
    match upload_url(session, &name, &media_type).await {
        Ok(url) => post(session, &url, &name, &media_type, file).await,
        Err(error) => Err(UploadFailure::NoAddress { error, file }),
    }
}

async fn upload_url(session: &Session, name: &str, media_type: &str) -> Result<Url, Error> {
    let request = UploadFileRequest { filename: name.to_owned(), mimetype: media_type.to_owned() };
    let UploadFileResponse { url } = call_back(session, BackwardsInvocation::UPLOAD_FILE, &request).await?;
    if url.is_empty() {
        return Err(Error::failed("Dify gave no address for the upload: set FILES_URL in Dify's settings"));
    }
    Url::parse(&url).map_err(|_| {
        let path = url.split('?').next().unwrap_or_default();
        Error::failed(format!(
            "Dify gave {path:?} as the address for the upload, which has no host: set FILES_URL (or \
             INTERNAL_FILES_URL) in Dify's settings to an address that the plugin daemon can reach"
        ))
    })
}

async fn post(
    session: &Session,
    url: &Url,
    name: &str,
    media_type: &str,
    file: OutgoingFile,
) -> Result<UploadedFile, UploadFailure> {
    let refused = |reason: String| UploadFailure::Refused(Error::failed(reason));
    let client = session.shared.connections().and_then(|connections| connections.to(url));
    let client = client.map_err(|error| refused(format!("{name} could not be uploaded to Dify: {error}")))?;
    let body = Body::wrap_stream(file.content);
    let part = match file.length {
        Some(length) => Part::stream_with_length(body, length),
        None => Part::stream(body),
    };
    let part = part.file_name(name.to_owned()).mime_str(media_type);
    let part = part.map_err(|_| refused(format!("{media_type:?} is not a media type")))?;
    // Dify compares the name with the one it signed, letter by letter; the Python SDK writes it as it is, too.
    let form = Form::new().percent_encode_noop().part("file", part);
    let request = client.post(url.clone()).map_err(|error| refused(error.to_string()))?;
    let request = request.timeout(UPLOAD_TIMEOUT).multipart(form);
    let response = request.send().await.map_err(|error| broken_off(client.origin(), name, &error))?;
    let status = response.status();
    let answer = read_answer(response).await.map_err(|error| broken_off(client.origin(), name, &error))?;
    if status == StatusCode::CREATED {
        return serde_json::from_slice(&answer)
            .map_err(|error| refused(format!("Dify confirmed the upload of {name} with something else: {error}")));
    }
    Err(refused(refusal(name, media_type, status, client.origin())))
}

async fn read_answer(mut response: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut answer = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        answer.extend_from_slice(&bytes);
        if answer.len() > MAX_ANSWER {
            break;
        }
    }
    Ok(answer)
}

/// The error of the file's own stream, if that is what ended the upload; otherwise what happened on the way to Dify.
fn broken_off(origin: &Origin, name: &str, error: &reqwest::Error) -> UploadFailure {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<Error>() {
            return UploadFailure::Source(error.clone());
        }
        source = cause.source();
    }
    let error = TransportError::new(origin, error);
    let advice = match error.failure {
        TransportFailure::ConnectionLost => {
            "a gateway in front of Dify that takes only smaller files ends uploads like this"
        }
        _ => "FILES_URL or INTERNAL_FILES_URL in Dify's settings must be an address that the plugin daemon can reach",
    };
    UploadFailure::Refused(Error::failed(format!("{name} could not be uploaded to Dify ({error}): {advice}")))
}

fn refusal(name: &str, media_type: &str, status: StatusCode, origin: &Origin) -> String {
    let why = match status {
        StatusCode::FORBIDDEN => "the address had expired or was changed on the way",
        StatusCode::PAYLOAD_TOO_LARGE => "it is larger than Dify, or a gateway in front of it, takes",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            return format!("Dify does not take {name}: {media_type} is not allowed there");
        }
        _ => "",
    };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{origin} refused {name} with status {}{why}", status.as_u16())
}
