//! Uploads: `image_upload` and `upload_mask` of ComfyUI's `server.py`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use image::{ImageError, RgbaImage};
use serde_json::{Value, json};

use crate::answer;
use crate::application::Application;
use crate::body;
use crate::png_metadata;
use crate::storage::{AnnotatedName, Folder, Storage, join, path_inside};

/// The most fields a form may have.
const MAX_FIELDS: usize = 100;

/// The most names that are tried for a file whose name is taken.
const MAX_COPIES: usize = 10_000;

/// What an upload says.
#[derive(Debug, Default)]
struct Form {
    /// The part named `image`: its file name and its bytes.
    image: Option<(Option<String>, Bytes)>,
    overwrite: Option<String>,
    subfolder: Option<String>,
    folder: Option<String>,
    original_ref: Option<String>,
}

/// An upload that went wrong, as an answer.
type Refused = Box<Response>;

fn empty(status: StatusCode) -> Refused {
    Box::new(answer::empty(status))
}

fn crash() -> Refused {
    Box::new(answer::crash())
}

pub(super) async fn image(State(application): State<Arc<Application>>, request: Request) -> Response {
    upload(&application, request, |bytes, _| Ok(Some(bytes.clone()))).await
}

pub(super) async fn mask(State(application): State<Arc<Application>>, request: Request) -> Response {
    let storage = &application.storage;
    upload(&application, request, |bytes, form| with_mask(bytes, form, storage)).await
}

async fn upload(
    application: &Application,
    request: Request,
    content: impl FnOnce(&Bytes, &Form) -> Result<Option<Bytes>, Refused>,
) -> Response {
    let form = match read_form(request).await {
        Ok(form) => form,
        Err(answer) => return *answer,
    };
    match store(&application.storage, &form, content) {
        Ok(stored) => answer::ok(&stored),
        Err(answer) => *answer,
    }
}

async fn read_form(request: Request) -> Result<Form, Refused> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(body).await.map_err(|bad| Box::new(bad.into_response()))?;
    let mut request = Request::from_parts(parts, Body::from(bytes));
    // The length is checked already.
    DefaultBodyLimit::disable().apply(&mut request);
    // aiohttp reads other bodies as forms without fields.
    let Ok(mut multipart) = Multipart::from_request(request, &()).await else {
        return Ok(Form::default());
    };
    let mut form = Form::default();
    for _ in 0..MAX_FIELDS {
        let Some(field) = multipart.next_field().await.map_err(|_| crash())? else { break };
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|_| crash())?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match name.as_str() {
            "image" => form.image = Some((file_name, bytes)),
            "overwrite" => form.overwrite = Some(text()),
            "subfolder" => form.subfolder = Some(text()),
            "type" => form.folder = Some(text()),
            "original_ref" => form.original_ref = Some(text()),
            _ => {}
        }
    }
    Ok(form)
}

fn store(
    storage: &Storage,
    form: &Form,
    content: impl FnOnce(&Bytes, &Form) -> Result<Option<Bytes>, Refused>,
) -> Result<Value, Refused> {
    let folder = Folder::from_name(form.folder.as_deref().unwrap_or("input")).ok_or_else(crash)?;
    let Some((file_name, bytes)) = &form.image else {
        return Err(empty(StatusCode::BAD_REQUEST));
    };
    // A plain field and a file without a name are texts to aiohttp, which have no file.
    let file_name = file_name.as_deref().filter(|name| !name.is_empty()).ok_or_else(crash)?;
    let subfolder = form.subfolder.as_deref().unwrap_or_default();
    let path = |name: &str| {
        path_inside(folder, &join(subfolder, name))
            .filter(|path| !path.is_empty())
            .ok_or_else(|| empty(StatusCode::BAD_REQUEST))
    };
    let overwrite = matches!(form.overwrite.as_deref(), Some("true" | "1"));
    let mut name = file_name.to_owned();
    let mut target = path(&name)?;
    let mut duplicate = false;
    if !overwrite {
        for copy in 1..MAX_COPIES {
            let Some(present) = storage.read(folder, &target).map_err(|_| crash())? else { break };
            if present.bytes == bytes {
                duplicate = true;
                break;
            }
            name = numbered(file_name, copy);
            target = path(&name)?;
        }
    }
    if !duplicate && let Some(content) = content(bytes, form)? {
        if !is_there(storage, folder, subfolder, &target) {
            return Err(crash());
        }
        storage.write(folder, &target, content).map_err(|error| {
            tracing::warn!(%error, "an upload could not be stored");
            crash()
        })?;
    }
    Ok(json!({"name": name, "subfolder": subfolder, "type": folder.name()}))
}

/// Whether the directory of `target` is there: the subfolder is made, but no directory that stands in the file's name.
fn is_there(storage: &Storage, folder: Folder, subfolder: &str, target: &str) -> bool {
    let (directory, _) = target.rsplit_once('/').unwrap_or_default();
    path_inside(folder, subfolder).is_some_and(|made| made == directory || made.starts_with(&format!("{directory}/")))
        || storage.has_directory(folder, directory)
}

/// `picture.png` and 1 make `picture (1).png`.
fn numbered(name: &str, copy: usize) -> String {
    let (directory, base) = match name.rfind('/') {
        Some(slash) => name.split_at(slash + 1),
        None => ("", name),
    };
    // A leading dot does not begin an extension.
    match base.rfind('.').filter(|dot| *dot > 0) {
        Some(dot) => {
            let (stem, extension) = base.split_at(dot);
            format!("{directory}{stem} ({copy}){extension}")
        }
        None => format!("{name} ({copy})"),
    }
}

/// The picture that `original_ref` names, with the alpha channel of the uploaded one. Nothing is
/// stored if there is no such picture.
fn with_mask(mask: &Bytes, form: &Form, storage: &Storage) -> Result<Option<Bytes>, Refused> {
    let reference: Value =
        form.original_ref.as_deref().and_then(|text| serde_json::from_str(text).ok()).ok_or_else(crash)?;
    let text = |name: &str| reference.get(name).and_then(Value::as_str);
    let named = AnnotatedName::parse(text("filename").ok_or_else(crash)?);
    if named.name.is_empty() || named.name.starts_with('/') || named.name.contains("..") {
        return Ok(None);
    }
    let folder = named.folder.or_else(|| Folder::from_name(text("type").unwrap_or("output")));
    let Some(folder) = folder else { return Ok(None) };
    let path = path_inside(folder, &join(text("subfolder").unwrap_or_default(), &named.name));
    let Some(path) = path else { return Ok(None) };
    let Some(original) = storage.read(folder, &path).map_err(|_| crash())? else {
        return Ok(None);
    };
    let texts = png_metadata::texts(&original.bytes);
    let picture = combine(&original.bytes, mask).map_err(|error| {
        tracing::debug!(%error, "a mask upload is no picture");
        crash()
    })?;
    let picture = picture.ok_or_else(crash)?;
    let file = png_metadata::encode_rgba(&picture, &texts).map_err(|_| crash())?;
    Ok(Some(file.into()))
}

/// `None` if the sizes differ.
fn combine(original: &[u8], mask: &[u8]) -> Result<Option<RgbaImage>, ImageError> {
    let mut picture = image::load_from_memory(original)?.to_rgba8();
    let mask = image::load_from_memory(mask)?.to_rgba8();
    if picture.dimensions() != mask.dimensions() {
        return Ok(None);
    }
    for (pixel, masking) in picture.pixels_mut().zip(mask.pixels()) {
        pixel.0[3] = masking.0[3];
    }
    Ok(Some(picture))
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn copies_are_numbered_before_the_extension() {
        assert_eq!(numbered("a.b.png", 2), "a.b (2).png");
        assert_eq!(numbered("noext", 1), "noext (1)");
        assert_eq!(numbered("x/.hidden", 1), "x/.hidden (1)");
    }
}
