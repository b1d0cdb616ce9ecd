use dify_plugin::{OnlineDriveProvider, Plugin};

use crate::drive::CosDrive;

/// The name of the plugin, of its provider and of its datasource: the one that the YAML files declare.
const NAME: &str = "tencent_cos_storage";

/// The plugin, ready to [`run`](Plugin::run).
#[must_use]
pub fn plugin() -> Plugin {
    let drive = CosDrive::default();
    Plugin::new(NAME, env!("CARGO_PKG_VERSION"))
        .online_drives(OnlineDriveProvider::new(NAME, drive.clone()).datasource(NAME, drive))
        .logs_of(&["tencent_cos", "oxidify_tencent_cos"])
}
