//! Files: `view_image` of ComfyUI's `server.py`, and aiohttp's `FileResponse` under it.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED,
    RANGE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use image::codecs::jpeg::JpegEncoder;
use image::{ColorType, DynamicImage, ImageError, ImageFormat, Rgba, RgbaImage};

use crate::answer;
use crate::application::Application;
use crate::query::Query;
use crate::storage::{AnnotatedName, Folder, StoredFile, join, path_inside};

const DEFAULT_QUALITY: u8 = 90;

pub(super) async fn view(State(application): State<Arc<Application>>, query: Query, headers: HeaderMap) -> Response {
    let Some(filename) = query.get("filename") else {
        return answer::empty(StatusCode::NOT_FOUND);
    };
    let named = AnnotatedName::parse(filename);
    if named.name.is_empty() || named.name.starts_with('/') || named.name.contains("..") {
        return answer::empty(StatusCode::BAD_REQUEST);
    }
    let folder = named.folder.or_else(|| Folder::from_name(query.get("type").unwrap_or("output")));
    let Some(folder) = folder else { return answer::empty(StatusCode::BAD_REQUEST) };
    let subfolder = query.get("subfolder").unwrap_or_default();
    if path_inside(folder, subfolder).is_none() {
        return answer::empty(StatusCode::FORBIDDEN);
    }
    // A directory in the name is dropped without a word, as on the real server.
    let name = named.name.rsplit('/').next().unwrap_or_default();
    let file = path_inside(folder, &join(subfolder, name))
        .and_then(|path| application.storage.read(folder, &path).ok().flatten());
    let Some(file) = file else { return answer::empty(StatusCode::NOT_FOUND) };

    let channel = query.get("channel");
    let converted = match (query.get("preview"), channel) {
        (Some(preview), _) => preview_of(&file, preview, channel.unwrap_or_default()),
        (None, Some("rgb")) => opaque(&file),
        (None, Some("a")) => alpha(&file),
        _ => return whole(name, &file, &headers),
    };
    match converted {
        Ok((kind, bytes)) => with_headers(
            StatusCode::OK,
            Body::from(bytes),
            [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition(name))],
        ),
        Err(error) => {
            tracing::debug!(%error, name, "no picture to convert");
            answer::crash()
        }
    }
}

/// `webp;90`, `jpeg;50`. The WebP here is lossless: the quality only counts for JPEG.
fn preview_of(file: &StoredFile, preview: &str, channel: &str) -> Result<(&'static str, Vec<u8>), ImageError> {
    let picture = image::load_from_memory(&file.bytes)?;
    let format = preview.split(';').next().unwrap_or_default();
    let quality = preview.rsplit(';').next().unwrap_or_default().parse::<u8>();
    let quality = quality.unwrap_or(DEFAULT_QUALITY).clamp(1, 100);
    let mut bytes = Vec::new();
    if format == "jpeg" && !channel.contains('a') {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        picture.to_rgb8().write_with_encoder(encoder)?;
        return Ok(("image/jpeg", bytes));
    }
    let picture = if channel == "rgb" || picture.color() == ColorType::Rgb8 {
        DynamicImage::from(picture.to_rgb8())
    } else {
        DynamicImage::from(picture.to_rgba8())
    };
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::WebP)?;
    Ok(("image/webp", bytes))
}

fn opaque(file: &StoredFile) -> Result<(&'static str, Vec<u8>), ImageError> {
    let picture = image::load_from_memory(&file.bytes)?.to_rgb8();
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(("image/png", bytes))
}

/// The alpha channel over black; everything is opaque if there is none.
fn alpha(file: &StoredFile) -> Result<(&'static str, Vec<u8>), ImageError> {
    let picture = image::load_from_memory(&file.bytes)?.to_rgba8();
    let masked =
        RgbaImage::from_fn(picture.width(), picture.height(), |x, y| Rgba([0, 0, 0, picture.get_pixel(x, y).0[3]]));
    let mut bytes = Vec::new();
    masked.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(("image/png", bytes))
}

/// The file as it is, or what was asked of it.
fn whole(name: &str, file: &StoredFile, request: &HeaderMap) -> Response {
    let length = file.bytes.len();
    let etag = etag(&file.bytes, file.modified);
    let mut headers = vec![
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (ETAG, etag.clone()),
        (LAST_MODIFIED, httpdate::fmt_http_date(file.modified)),
    ];
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    if is_active(kind.essence_str()) {
        headers.push((VARY, "Sec-Fetch-Dest".to_owned()));
        headers.push((CACHE_CONTROL, "no-store".to_owned()));
        let as_image = kind.essence_str() == "image/svg+xml"
            && request.get("sec-fetch-dest").is_some_and(|destination| destination == "image");
        if as_image {
            headers.push((CONTENT_DISPOSITION, disposition(name)));
            headers.push((CONTENT_TYPE, kind.essence_str().to_owned()));
        } else {
            headers.push((CONTENT_DISPOSITION, format!("attachment; {}", disposition(name))));
            headers.push((CONTENT_TYPE, "application/octet-stream".to_owned()));
        }
    } else {
        headers.push((CONTENT_DISPOSITION, disposition(name)));
        headers.push((CONTENT_TYPE, kind.essence_str().to_owned()));
    }
    let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let known = |tags: &str| tags.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*");
    if text(IF_NONE_MATCH).is_some_and(known) {
        return with_headers(StatusCode::NOT_MODIFIED, Body::empty(), headers);
    }
    let accept_ranges = (ACCEPT_RANGES, "bytes".to_owned());
    match text(RANGE).map(|range| parse_range(range, length)) {
        None => {
            headers.push(accept_ranges);
            with_headers(StatusCode::OK, Body::from(file.bytes.clone()), headers)
        }
        Some(Some((first, end))) => {
            headers.push(accept_ranges);
            headers.push((CONTENT_RANGE, format!("bytes {first}-{}/{length}", end.saturating_sub(1))));
            let body = Body::from(file.bytes.slice(first..end));
            with_headers(StatusCode::PARTIAL_CONTENT, body, headers)
        }
        Some(None) => {
            // aiohttp leaves these out here.
            headers.retain(|(name, _)| *name != ETAG && *name != LAST_MODIFIED);
            headers.push((CONTENT_RANGE, format!("bytes */{length}")));
            with_headers(StatusCode::RANGE_NOT_SATISFIABLE, Body::empty(), headers)
        }
    }
}

/// aiohttp's tag: the time in nanoseconds and the length, in hexadecimal digits.
pub(super) fn etag(bytes: &[u8], modified: SystemTime) -> String {
    let time = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    debug_assert!(modified >= SystemTime::UNIX_EPOCH);
    format!("\"{time:x}-{:x}\"", bytes.len())
}

/// The first byte and the one after the last; `None` if there are none such.
fn parse_range(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => (first, length),
        (Err(_), Ok(count)) if first.is_empty() => (length.saturating_sub(count), length),
        _ => return None,
    };
    (first < end).then_some((first, end))
}

/// Types that a browser could run are only given for download.
pub(super) fn is_active(kind: &str) -> bool {
    const ACTIVE: [&str; 6] = [
        "text/html",
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
        "text/css",
        "message/rfc822",
    ];
    ACTIVE.contains(&kind) || kind.ends_with("+xml") || kind.ends_with("/xml")
}

fn disposition(name: &str) -> String {
    format!("filename=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn with_headers(
    status: StatusCode,
    body: Body,
    headers: impl IntoIterator<Item = (HeaderName, String)>,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        // A name may hold bytes that no header can.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::parse_range;

    #[test]
    fn ranges_are_cut_to_the_file() {
        assert_eq!(parse_range("bytes=0-9", 141), Some((0, 10)));
        assert_eq!(parse_range("bytes=100-", 141), Some((100, 141)));
        assert_eq!(parse_range("bytes=-5", 141), Some((136, 141)));
        assert_eq!(parse_range("bytes=0-999", 141), Some((0, 141)));
        for wrong in ["bytes=141-", "bytes=9-3", "items=0-1", "bytes=x-y", "bytes=-0"] {
            assert_eq!(parse_range(wrong, 141), None, "{wrong}");
        }
    }
}
