//! What makes the daemon, which knows Python plugins only, start an executable.

use crate::Arch;

const MAIN: &str = include_str!("../starter/main.py");

/// The starter, and dependency files that resolve to nothing on every path that the daemon takes: `uv sync` with the lock
/// (frozen) or without it, and `uv pip install` where a package mirror is configured
/// (dify-plugin-daemon, `internal/core/local_runtime/setup_python_environment.go`).
///
/// There is no `[build-system]`: with one, uv would build the project, and need the network for it.
pub(crate) fn files(name: &str, version: &str, shipped: &[Arch]) -> [(String, Vec<u8>); 4] {
    let shipped: Vec<String> = shipped.iter().map(|arch| format!("linux on {}", arch.name())).collect();
    let main = MAIN.replace("@NAME@", name).replace("@SHIPPED@", &shipped.join(" and "));
    let pyproject = format!(
        "[project]\nname = \"{name}\"\nversion = \"{version}\"\nrequires-python = \">=3.11\"\ndependencies = []\n"
    );
    let project = name.replace('_', "-");
    let lock = format!(
        "version = 1\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"{project}\"\nversion = \"{version}\"\n\
         source = {{ virtual = \".\" }}\n"
    );
    let requirements = "# Nothing: the plugin is the executable in bin/.\n".to_owned();
    [("main.py", main), ("pyproject.toml", pyproject), ("uv.lock", lock), ("requirements.txt", requirements)]
        .map(|(path, text)| (path.to_owned(), text.into_bytes()))
}
