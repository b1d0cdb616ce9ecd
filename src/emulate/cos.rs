use std::path::PathBuf;

use clap::Args;
use cos_emulator::CosEmulator;

use crate::Failure;
use crate::say::say;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The port on 127.0.0.1; 0 for a free one.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Each folder in it is a bucket: `name-appid` in ap-guangzhou, or `name-appid@region`.
    #[arg(long)]
    root: PathBuf,
    /// The one secret id that is accepted; made and printed otherwise.
    #[arg(long, requires = "secret_key")]
    secret_id: Option<String>,
    /// Its key.
    #[arg(long, requires = "secret_id", env = "OXIDIFY_EMULATOR_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut server = CosEmulator::builder().root(arguments.root).port(arguments.port);
    let keys_are_given = arguments.secret_id.is_some();
    if let (Some(secret_id), Some(secret_key)) = (arguments.secret_id, arguments.secret_key) {
        server = server.credentials(secret_id, secret_key);
    }
    let server = server.start().await?;
    say!("COS emulator at {}", server.url())?;
    say!("endpoint:   {}", server.endpoint())?;
    say!("secret id:  {}", server.secret_id())?;
    if !keys_are_given {
        say!("secret key: {}", server.secret_key())?;
    }
    say!("It only reads. Ctrl-C ends it.")?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
