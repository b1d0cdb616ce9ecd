//! Media types from which Dify makes the right file extension.

/// What Dify is told about a file that its source calls `declared` and names `name`.
///
/// Dify stores a file under the extension that Python's `mimetypes.guess_extension` gives for the media type, `.bin`
/// where it gives none, and its document extractor refuses `.bin` (Dify, `api/core/tools/tool_file_manager.py`). So
/// parameters are cut off, spellings that Python does not know are replaced, and where the declared type is missing or
/// says nothing the name decides.
pub(crate) fn for_dify(declared: Option<&str>, name: &str) -> String {
    let declared = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let declared = if is_telling(&declared) { declared } else { by_name(name) };
    known_to_python(&declared).to_owned()
}

fn is_telling(media_type: &str) -> bool {
    let is_well_formed = media_type.split_once('/').is_some_and(|(kind, subtype)| {
        !kind.is_empty() && !subtype.is_empty() && media_type.chars().all(|c| c.is_ascii_graphic())
    });
    is_well_formed
        && !matches!(
            media_type,
            "application/octet-stream"
                | "binary/octet-stream"
                | "application/x-octet-stream"
                | "application/binary"
                | "application/unknown"
                | "application/download"
                | "application/force-download"
        )
}

fn by_name(name: &str) -> String {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        // Read as text by the extractor; no type of their own has an extension in Python.
        "mdx" | "properties" | "toml" | "yaml" | "yml" | "ini" | "cfg" | "conf" | "log" | "jsonl" | "ndjson" => {
            "text/plain".to_owned()
        }
        "vtt" => "text/vtt".to_owned(),
        _ => mime_guess::from_path(name).first_or_octet_stream().essence_str().to_owned(),
    }
}

fn known_to_python(media_type: &str) -> &str {
    match media_type {
        "application/xml" => "text/xml",
        "application/yaml"
        | "application/x-yaml"
        | "text/yaml"
        | "text/x-yaml"
        | "application/toml"
        | "application/x-ndjson" => "text/plain",
        "audio/wav" | "audio/wave" | "audio/vnd.wave" => "audio/x-wav",
        "audio/mp3" => "audio/mpeg",
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "text/x-markdown" => "text/markdown",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::for_dify;

    #[test]
    fn parameters_are_cut_off() {
        assert_eq!(for_dify(Some("text/plain; charset=utf-8"), "a.txt"), "text/plain");
        assert_eq!(for_dify(Some("IMAGE/PNG"), "a"), "image/png");
    }

    #[test]
    fn the_name_decides_where_the_type_says_nothing() {
        for nothing in [None, Some(""), Some("application/octet-stream"), Some("binary/octet-stream"), Some("nonsense")]
        {
            assert_eq!(for_dify(nothing, "report.pdf"), "application/pdf");
            assert_eq!(for_dify(nothing, "notes.md"), "text/markdown");
            assert_eq!(for_dify(nothing, "config.yaml"), "text/plain");
            assert_eq!(for_dify(nothing, "no extension"), "application/octet-stream");
        }
    }

    #[test]
    fn spellings_that_python_does_not_know_are_replaced() {
        assert_eq!(for_dify(Some("image/jpg"), "a.jpg"), "image/jpeg");
        assert_eq!(for_dify(Some("application/xml"), "a.xml"), "text/xml");
        assert_eq!(for_dify(None, "a.wav"), "audio/x-wav");
    }

    #[test]
    fn a_telling_type_beats_the_name() {
        assert_eq!(for_dify(Some("application/pdf"), "a.txt"), "application/pdf");
    }
}
