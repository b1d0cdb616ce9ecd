//! The plugins' declarations, as they are in the source tree.

use include_dir::{Dir, include_dir};

/// A plugin as it is packaged: names, and its files but the executable.
pub(super) struct Declaration {
    pub(super) name: &'static str,
    /// All plugins have the version of this command.
    pub(super) version: &'static str,
    /// The executable's name beside this one.
    pub(super) executable: &'static str,
    pub(super) files: Vec<(String, &'static [u8])>,
}

pub(super) fn comfyui() -> Declaration {
    static FOLDERS: [(&str, Dir<'_>); 4] = [
        ("_assets", include_dir!("$CARGO_MANIFEST_DIR/plugins/comfyui/_assets")),
        ("provider", include_dir!("$CARGO_MANIFEST_DIR/plugins/comfyui/provider")),
        ("readme", include_dir!("$CARGO_MANIFEST_DIR/plugins/comfyui/readme")),
        ("tools", include_dir!("$CARGO_MANIFEST_DIR/plugins/comfyui/tools")),
    ];
    let files = [
        ("PRIVACY.md", include_bytes!("../../plugins/comfyui/PRIVACY.md").as_slice()),
        ("README.md", include_bytes!("../../plugins/comfyui/README.md").as_slice()),
        ("manifest.yaml", include_bytes!("../../plugins/comfyui/manifest.yaml").as_slice()),
    ];
    declaration("comfyui", "oxidify-comfyui", &files, &FOLDERS)
}

pub(super) fn tencent_cos_storage() -> Declaration {
    static FOLDERS: [(&str, Dir<'_>); 4] = [
        ("_assets", include_dir!("$CARGO_MANIFEST_DIR/plugins/tencent_cos_storage/_assets")),
        ("datasources", include_dir!("$CARGO_MANIFEST_DIR/plugins/tencent_cos_storage/datasources")),
        ("provider", include_dir!("$CARGO_MANIFEST_DIR/plugins/tencent_cos_storage/provider")),
        ("readme", include_dir!("$CARGO_MANIFEST_DIR/plugins/tencent_cos_storage/readme")),
    ];
    let files = [
        ("PRIVACY.md", include_bytes!("../../plugins/tencent_cos_storage/PRIVACY.md").as_slice()),
        ("README.md", include_bytes!("../../plugins/tencent_cos_storage/README.md").as_slice()),
        ("manifest.yaml", include_bytes!("../../plugins/tencent_cos_storage/manifest.yaml").as_slice()),
    ];
    declaration("tencent_cos_storage", "oxidify-tencent-cos", &files, &FOLDERS)
}

fn declaration(
    name: &'static str,
    executable: &'static str,
    files: &[(&str, &'static [u8])],
    folders: &'static [(&'static str, Dir<'static>)],
) -> Declaration {
    let single = files.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes));
    let in_folders = folders.iter().flat_map(|(folder, files)| {
        files.files().map(move |file| (format!("{folder}/{}", file.path().display()), file.contents()))
    });
    Declaration { name, version: env!("CARGO_PKG_VERSION"), executable, files: single.chain(in_folders).collect() }
}
