//! Media types from which Dify makes the right file extension.

/// What Python makes of media types; `guess_extension.py` beside it says how it was made.
const GUESS_EXTENSION: &str = include_str!("media_type/guess_extension.tsv");

/// The type of files of which nothing is known.
const UNKNOWN: &str = "application/octet-stream";

/// What Dify is told about a file that its source calls `declared` and names `name`.
///
/// Dify stores a file under the extension that Python's `mimetypes.guess_extension` gives for the media type, `.bin`
/// where it gives none, and its document extractor refuses `.bin` (Dify, `api/core/tools/tool_file_manager.py`). So
/// parameters are cut off, and the declared type counts only where Python knows it and it says something; otherwise the
/// name decides, as it does where it is more precise.
pub(crate) fn for_dify(declared: Option<&str>, name: &str) -> String {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let declared = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let declared = known_to_python(&declared);
    if !says_little(declared, &extension) && guess_extension(declared).is_some() {
        return declared.to_owned();
    }
    let by_name = by_name(&extension);
    if by_name == UNKNOWN && guess_extension(declared).is_some() {
        return declared.to_owned();
    }
    by_name.to_owned()
}

/// What `mimetypes.guess_extension` gives, with its dot.
pub(crate) fn guess_extension(media_type: &str) -> Option<&'static str> {
    GUESS_EXTENSION.lines().find_map(|line| {
        let (known, extension) = line.split_once('\t')?;
        (known == media_type).then_some(extension)
    })
}

/// Whether a type says no more of a file with this extension than its name does.
fn says_little(media_type: &str, extension: &str) -> bool {
    match media_type {
        UNKNOWN
        | "application/x-octet-stream"
        | "application/binary"
        | "application/unknown"
        | "application/download"
        | "application/force-download" => true,
        // What a server knows of Markdown, CSV and source code. A text called `.ts` is no film.
        "text/plain" => !matches!(extension, "ts" | "mts"),
        // What a server that looks at the bytes sees of office documents.
        "application/zip" => matches!(extension, "docx" | "xlsx" | "pptx" | "odt" | "ods" | "odp" | "epub"),
        "application/xml" | "text/xml" => matches!(extension, "svg" | "xhtml"),
        // What Windows with Excel calls CSV.
        "application/vnd.ms-excel" => matches!(extension, "csv" | "xlsx"),
        _ => false,
    }
}

fn by_name(extension: &str) -> &'static str {
    match extension {
        // Read as text by the extractor; no type of their own has an extension in Python.
        "mdx" | "properties" | "toml" | "yaml" | "yml" | "ini" | "cfg" | "conf" | "log" | "jsonl" | "ndjson" => {
            return "text/plain";
        }
        "vtt" => return "text/vtt",
        _ => {}
    }
    let guessed = mime_guess::from_ext(extension).first_raw().unwrap_or(UNKNOWN);
    let guessed = known_to_python(guessed);
    // Source code of many languages.
    let is_unknown_text = guessed.starts_with("text/") && guess_extension(guessed).is_none();
    if is_unknown_text { "text/plain" } else { guessed }
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
        "application/x-pdf" => "application/pdf",
        "application/x-zip-compressed" | "application/x-zip" => "application/zip",
        "application/csv" | "text/x-csv" => "text/csv",
        "audio/wav" | "audio/wave" | "audio/vnd.wave" => "audio/x-wav",
        "audio/mp3" => "audio/mpeg",
        "audio/m4a" | "audio/x-m4a" => "audio/mp4",
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "text/x-markdown" => "text/markdown",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Dify's knowledge base and its document extractor take (`api/constants/__init__.py`, and the extractor's node),
    /// and the extension under which Dify stores them. Only where Python has no type for an extension is it another one,
    /// which is read in the same way; for `.msg` there is none, and newer versions go by the name.
    const EXTENSIONS: [(&str, Option<&str>); 38] = [
        ("txt", Some("txt")),
        ("md", Some("md")),
        ("markdown", Some("md")),
        ("mdx", Some("txt")),
        ("pdf", Some("pdf")),
        ("html", Some("html")),
        ("htm", Some("html")),
        ("xml", Some("xml")),
        ("json", Some("json")),
        ("yaml", Some("txt")),
        ("yml", Some("txt")),
        ("properties", Some("txt")),
        ("vtt", Some("vtt")),
        ("csv", Some("csv")),
        ("doc", Some("doc")),
        ("docx", Some("docx")),
        ("xls", Some("xls")),
        ("xlsx", Some("xlsx")),
        ("ppt", Some("ppt")),
        ("pptx", Some("pptx")),
        ("odt", Some("odt")),
        ("epub", Some("epub")),
        ("eml", Some("eml")),
        ("msg", None),
        ("jpg", Some("jpg")),
        ("jpeg", Some("jpg")),
        ("png", Some("png")),
        ("gif", Some("gif")),
        ("webp", Some("webp")),
        ("svg", Some("svg")),
        ("mp3", Some("mp3")),
        ("m4a", Some("m4a")),
        ("wav", Some("wav")),
        ("mp4", Some("mp4")),
        ("mov", Some("mov")),
        ("mpeg", Some("mpeg")),
        ("webm", Some("webm")),
        ("zip", Some("zip")),
    ];

    #[test]
    fn a_file_of_the_knowledge_base_keeps_its_extension() {
        for (extension, stored) in EXTENSIONS {
            for name in [format!("a.b.{extension}"), format!("报告.{}", extension.to_ascii_uppercase())] {
                let declared = [
                    None,
                    Some("application/octet-stream"),
                    Some("binary/octet-stream"),
                    Some("text/plain"),
                    Some("x"),
                ];
                for declared in declared {
                    let media_type = for_dify(declared, &name);
                    let stored = stored.map(|stored| format!(".{stored}"));
                    assert_eq!(guess_extension(&media_type), stored.as_deref(), "{name} as {declared:?}: {media_type}");
                }
            }
        }
    }

    #[test]
    fn the_table_is_pythons() {
        assert_eq!(guess_extension("application/xml"), Some(".xsl"));
        assert_eq!(guess_extension("text/plain; charset=utf-8"), None);
        assert_eq!(guess_extension("image/jpg"), None);
        assert!(GUESS_EXTENSION.lines().count() > 1000);
    }

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
            assert_eq!(for_dify(nothing, "main.rs"), "text/plain");
            assert_eq!(for_dify(nothing, "no extension"), "application/octet-stream");
        }
    }

    #[test]
    fn the_name_is_more_precise_than_some_types() {
        for (declared, name, media_type) in [
            ("text/plain; charset=utf-8", "a.md", "text/markdown"),
            ("application/zip", "a.docx", for_dify(None, "a.docx").as_str()),
            ("application/vnd.ms-excel", "a.csv", "text/csv"),
            ("application/vnd.ms-excel", "a.xls", "application/vnd.ms-excel"),
            ("text/xml", "a.svg", "image/svg+xml"),
            ("text/plain", "README", "text/plain"),
            ("text/plain", "main.ts", "text/plain"),
            ("application/x-made-up", "a.pdf", "application/pdf"),
        ] {
            assert_eq!(for_dify(Some(declared), name), media_type, "{declared} {name}");
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
