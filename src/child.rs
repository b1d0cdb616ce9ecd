//! A plugin as a child process of this command, over real pipes.

use std::env;
use std::process::Command;

use clap::ValueEnum;
use dify_plugin::Plugin;
use dify_plugin_host::{DifyHost, PluginProcess};

use crate::Failure;

/// The plugins of this project.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PluginName {
    /// Runs ComfyUI workflows.
    Comfyui,
    /// Reads Tencent COS.
    #[value(name = "tencent_cos_storage")]
    TencentCosStorage,
}

impl PluginName {
    /// The plugin itself.
    pub(crate) fn plugin(self) -> Plugin {
        match self {
            Self::Comfyui => oxidify_comfyui::plugin(),
            Self::TencentCosStorage => oxidify_tencent_cos::plugin(),
        }
    }

    /// Starts this executable again, as the plugin.
    pub(crate) async fn start(self, dify: &DifyHost) -> Result<PluginProcess, Failure> {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let mut command = Command::new(env::current_exe()?);
        command.args(["plugin", &name]);
        Ok(PluginProcess::start(command, dify).await?)
    }
}
