//! Names and media types of files, on their way to Dify and to ComfyUI.

use comfyui::fuzzing::upload_name;
use dify_plugin::fuzzing::file_for_dify;
use dify_plugin_host::fuzzing::form_file_name;

use super::assert_shown_as_it_is;

/// A name and, after a newline, a media type.
pub(super) fn run(bytes: &[u8]) {
    let _ = form_file_name(bytes);
    let text = String::from_utf8_lossy(bytes);
    let (name, declared) = text.rsplit_once('\n').unwrap_or((&text, ""));

    let (cleaned, media_type, extension) = file_for_dify(name, declared);
    check(&cleaned, 200);
    assert_eq!(file_for_dify(&cleaned, declared), (cleaned.clone(), media_type.clone(), extension));
    let is_type = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !matches!(c, ';' | ',' | '"');
    assert!(media_type.chars().all(is_type) && media_type.matches('/').count() == 1, "{media_type:?}");

    let uploaded = upload_name(name);
    check(&uploaded, 255);
    assert_eq!(upload_name(&uploaded), uploaded);
}

fn check(name: &str, longest: usize) {
    assert!(!name.is_empty() && name.len() <= longest, "{} bytes: {name:?}", name.len());
    assert!(!name.contains(['/', '\\', '\n', '\t']), "{name:?}");
    assert!(!matches!(name, "." | ".."));
    assert_eq!(name.trim(), name);
    assert_shown_as_it_is(name);
}
