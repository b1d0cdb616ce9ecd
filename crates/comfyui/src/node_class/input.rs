use serde_json::{Map, Value};

/// What one input of a node class takes.
#[derive(Clone, Debug, PartialEq)]
pub struct InputDeclaration {
    /// The type of its values.
    pub kind: InputType,
    /// The kind of file that is uploaded for it, if its value names a file of the server's `input` folder.
    pub upload: Option<FileKind>,
    /// Whether the editor changes it after each run (`control_after_generate`): it is meant for seeds.
    pub is_controlled: bool,
    /// Whether the server refuses the node without it.
    pub is_required: bool,
}

/// Types of inputs. Both generations of ComfyUI's node API are read: choices as `[["a", "b"], {…}]` and as
/// `["COMBO", {"options": […]}]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputType {
    /// `INT` with its bounds.
    Int {
        /// The least value.
        min: Option<i128>,
        /// The greatest value.
        max: Option<i128>,
    },
    /// `FLOAT` with its bounds.
    Float {
        /// The least value.
        min: Option<f64>,
        /// The greatest value.
        max: Option<f64>,
    },
    /// `STRING`.
    Text,
    /// `BOOLEAN`.
    Boolean,
    /// One of a list; of an unknown one, where the list comes from elsewhere (`remote`).
    Choice(Option<Vec<Value>>),
    /// Anything else, such as `IMAGE` or `MODEL`: mostly filled by another node.
    Other(String),
}

/// Kinds of files, by which a file finds the input that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A film.
    Video,
    /// A 3D model, a document, anything else.
    Other,
}

impl FileKind {
    /// The kind that a media type, or where that says nothing, a name speaks of.
    #[must_use]
    pub fn of(media_type: Option<&str>, name: &str) -> Self {
        let by_type = media_type.and_then(Self::by_media_type);
        let by_name = || mime_guess::from_path(name).first_raw().and_then(Self::by_media_type);
        by_type.or_else(by_name).unwrap_or(Self::Other)
    }

    fn by_media_type(media_type: &str) -> Option<Self> {
        match media_type.split('/').next()?.trim().to_ascii_lowercase().as_str() {
            "image" => Some(Self::Image),
            "audio" => Some(Self::Audio),
            "video" => Some(Self::Video),
            _ => None,
        }
    }

    /// The word for messages: `image`, `audio`, `video`, `file`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Other => "file",
        }
    }

    /// Whether an input that takes files of this kind may also be given one of `other`: `LoadAudio` reads the sound of
    /// films, and an input for any file is one for any file.
    #[must_use]
    pub fn may_take(self, other: Self) -> bool {
        self == other || self == Self::Other || (self, other) == (Self::Audio, Self::Video)
    }
}

impl InputDeclaration {
    /// Reads `[type, options]`.
    pub(super) fn read(declaration: &Value) -> Option<Self> {
        let none = Map::new();
        let options = declaration.get(1).and_then(Value::as_object).unwrap_or(&none);
        let kind = match declaration.get(0)? {
            // What the editor fetches from elsewhere is not in the list.
            Value::Array(_) if options.contains_key("remote") => InputType::Choice(None),
            Value::Array(choices) => InputType::Choice(Some(choices.clone())),
            Value::String(name) => match name.as_str() {
                "INT" => InputType::Int { min: whole(options.get("min")), max: whole(options.get("max")) },
                "FLOAT" => InputType::Float {
                    min: options.get("min").and_then(Value::as_f64),
                    max: options.get("max").and_then(Value::as_f64),
                },
                "STRING" => InputType::Text,
                "BOOLEAN" => InputType::Boolean,
                "COMBO" if options.contains_key("remote") => InputType::Choice(None),
                "COMBO" => InputType::Choice(options.get("options").and_then(Value::as_array).cloned()),
                other => InputType::Other(other.to_owned()),
            },
            _ => return None,
        };
        let is_controlled = options.get("control_after_generate").is_some_and(is_set);
        Some(Self { kind, upload: upload(options), is_controlled, is_required: false })
    }
}

/// The flags that make the editor show an upload button: `image_upload`, `audio_upload`, `video_upload` and
/// `file_upload` (`comfy_api/latest/_io.py`, `UploadType`), and `upload` as custom nodes write it.
fn upload(options: &Map<String, Value>) -> Option<FileKind> {
    options.iter().find_map(|(name, value)| {
        let flag = match (name.as_str(), value) {
            ("upload", Value::String(kind)) => kind.as_str(),
            (name, value) if is_set(value) => name,
            _ => return None,
        };
        match flag.strip_suffix("_upload").or_else(|| (flag == "upload").then_some(""))? {
            "image" | "animated_image" => Some(FileKind::Image),
            "audio" => Some(FileKind::Audio),
            "video" => Some(FileKind::Video),
            _ => Some(FileKind::Other),
        }
    })
}

/// `true`, or a text that says how.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Bool(set) => *set,
        Value::String(text) => !text.is_empty(),
        _ => false,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a bound beyond 128 bits is none")]
fn whole(value: Option<&Value>) -> Option<i128> {
    let value = value?;
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
        .or_else(|| value.as_f64().filter(|float| float.is_finite()).map(|float| float as i128))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(declaration: &Value) -> InputDeclaration {
        InputDeclaration::read(declaration).unwrap()
    }

    #[test]
    fn upload_flags_of_comfyuis_own_nodes_are_known() {
        let kind = |declaration| read(&declaration).upload;
        assert_eq!(kind(json!([["a.png"], {"image_upload": true}])), Some(FileKind::Image));
        assert_eq!(
            kind(json!(["COMBO", {"image_upload": true, "image_folder": "output", "remote": {}}])),
            Some(FileKind::Image)
        );
        assert_eq!(kind(json!(["COMBO", {"options": [], "audio_upload": true}])), Some(FileKind::Audio));
        assert_eq!(kind(json!(["COMBO", {"options": [], "video_upload": true}])), Some(FileKind::Video));
        assert_eq!(kind(json!(["COMBO", {"options": ["none"], "file_upload": true}])), Some(FileKind::Other));
        assert_eq!(kind(json!([["a"], {"image_upload": false, "default": "a"}])), None);
        assert_eq!(kind(json!(["STRING", {"upload": "audio_upload"}])), Some(FileKind::Audio));
    }

    #[test]
    fn both_shapes_of_choices_and_the_bounds_of_seeds_are_read() {
        assert_eq!(read(&json!([["a"]])).kind, InputType::Choice(Some(vec![json!("a")])));
        assert_eq!(read(&json!(["COMBO", {"options": ["a"]}])).kind, InputType::Choice(Some(vec![json!("a")])));
        assert_eq!(read(&json!(["COMBO", {}])).kind, InputType::Choice(None));
        let seed = read(&json!(["INT", {"min": 0, "max": u64::MAX, "control_after_generate": true}]));
        assert_eq!(seed.kind, InputType::Int { min: Some(0), max: Some(i128::from(u64::MAX)) });
        assert!(seed.is_controlled && !read(&json!(["INT", {"control_after_generate": false}])).is_controlled);
        assert_eq!(InputDeclaration::read(&json!([7])), None);
        assert_eq!(InputDeclaration::read(&json!("INT")), None);
    }

    #[test]
    fn a_file_is_known_by_its_type_or_its_name() {
        assert_eq!(FileKind::of(Some("image/png"), "x.mp4"), FileKind::Image);
        assert_eq!(FileKind::of(Some("application/octet-stream"), "song.mp3"), FileKind::Audio);
        assert_eq!(FileKind::of(None, "film.MP4"), FileKind::Video);
        assert_eq!(FileKind::of(Some("model/gltf-binary"), "chair.glb"), FileKind::Other);
        assert!(FileKind::Audio.may_take(FileKind::Video) && !FileKind::Video.may_take(FileKind::Audio));
    }
}
