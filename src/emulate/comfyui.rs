use std::path::PathBuf;

use clap::Args;
use comfyui_emulator::ComfyUiEmulator;

use crate::Failure;
use crate::say::say;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The port on 127.0.0.1; 0 for a free one.
    #[arg(long, default_value_t = 8188)]
    port: u16,
    /// Ask for `Authorization: Bearer TOKEN`, as a gateway in front of ComfyUI does.
    #[arg(long, env = "OXIDIFY_EMULATOR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Keep input, output and temporary files here; in memory otherwise.
    #[arg(long)]
    data: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut server = ComfyUiEmulator::builder().port(arguments.port);
    if let Some(token) = arguments.token {
        server = server.bearer_token(token);
    }
    if let Some(data) = arguments.data {
        server = server.data_dir(data);
    }
    let server = server.start().await?;
    say!("ComfyUI emulator at {}", server.url())?;
    say!("Image nodes run for real; the sampler chain is a stand-in. Ctrl-C ends it.")?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
