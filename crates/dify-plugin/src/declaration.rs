/// What a plugin's YAML files and assets say, made a part of the executable by the crate's build script. See
/// [`declaration!`](crate::declaration!).
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) registration: &'static str,
}

impl Declaration {
    /// Name and version of the manifest, and the lines, each with its newline, by which the plugin registers with the
    /// daemon's debugging server after the handshake: [`RegistrationLine`](dify_plugin_protocol::RegistrationLine).
    #[must_use]
    pub const fn new(name: &'static str, version: &'static str, registration: &'static str) -> Self {
        Self { name, version, registration }
    }
}

/// The [`Declaration`] that the crate's build script made of the YAML files:
///
/// ```ignore
/// // build.rs, with dify-plugin-declaration among the build-dependencies
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     dify_plugin_declaration::embed()
/// }
/// ```
///
/// With a name, the one of the folder that `embed_folder` made under this name.
#[macro_export]
macro_rules! declaration {
    () => {
        $crate::declaration!("dify_plugin_declaration")
    };
    ($name:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $name, ".rs"))
    };
}
