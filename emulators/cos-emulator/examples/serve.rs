//! Serves a folder as COS until interrupted:
//! `cargo run -p cos-emulator --example serve -- FOLDER [PORT]`.

use std::{env, error::Error, io::Write};

use cos_emulator::CosEmulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: serve FOLDER [PORT]")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let server = CosEmulator::builder().root(folder).port(port).start().await?;
    writeln!(
        std::io::stdout(),
        "endpoint:  {}\nSecretId:  {}\nSecretKey: {}",
        server.endpoint(),
        server.secret_id(),
        server.secret_key()
    )?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
