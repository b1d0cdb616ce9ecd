use dify_plugin::{OnlineDriveProvider, Plugin, declaration};

use crate::drive::CosDrive;

/// The name of the provider and of its datasource: the one that their YAML files declare.
const NAME: &str = "tencent_cos_storage";

/// The plugin, ready to [`run`](Plugin::run).
#[must_use]
pub fn plugin() -> Plugin {
    let drive = CosDrive::default();
    Plugin::declared(declaration!())
        .online_drives(OnlineDriveProvider::new(NAME, drive.clone()).datasource(NAME, drive))
        .logs_of(&["tencent_cos", "oxidify_tencent_cos"])
}
