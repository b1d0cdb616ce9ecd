//! The COS emulator over a folder: one bucket with many small objects, one with a large one.

use std::fs::{self, File};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::Failure;
use crate::bench::Side;
use crate::emulator::Emulator;

pub(crate) const MANY: &str = "many-1250000000";
pub(crate) const LARGE: &str = "large-1250000000";
pub(crate) const LARGE_KEY: &str = "large.bin";
const REGION: &str = "ap-guangzhou";
const SECRET_ID: &str = "AKIDbenchmark";
const SECRET_KEY: &str = "benchmark-key";

/// The server.
#[derive(Debug)]
pub(crate) struct CosServer {
    emulator: Emulator,
}

impl CosServer {
    /// With `objects` empty objects in one bucket, and one of `length` bytes, all zero, in the other.
    pub(crate) fn start(oxidify: &Path, folder: &Path, log: File, objects: u32, length: u64) -> Result<Self, Failure> {
        fs::create_dir_all(folder.join(MANY))?;
        for number in 0..objects {
            File::create(folder.join(MANY).join(format!("object-{number:07}.txt")))?;
        }
        fs::create_dir_all(folder.join(LARGE))?;
        // Sparse: it takes no room on the disk.
        File::create(folder.join(LARGE).join(LARGE_KEY))?.set_len(length)?;
        let root = folder.to_str().ok_or("the folder's path is not UTF-8")?;
        let arguments = ["cos", "--root", root, "--secret-id", SECRET_ID, "--secret-key", SECRET_KEY];
        Ok(Self { emulator: Emulator::start(oxidify, &arguments, log)? })
    }

    /// As each side wants them: ours takes an endpoint, the official client an address beside the region.
    pub(crate) fn credentials(&self, side: Side) -> Value {
        let mut credentials = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "region": REGION});
        match side {
            Side::Ours => credentials["endpoint"] = format!("http://{}/{{bucket}}", self.emulator.address).into(),
            Side::Peer => credentials["port"] = self.emulator.address.rsplit(':').next().unwrap_or_default().into(),
        }
        credentials
    }

    /// URL of the large object, and the header that opens it.
    pub(crate) fn signed_large(&self) -> Result<(String, String), Failure> {
        let path = format!("/{LARGE}/{LARGE_KEY}");
        Ok((format!("http://{}{path}", self.emulator.address), authorization(&path)?))
    }
}

/// A signature of the method and the path alone (<https://cloud.tencent.com/document/product/436/7778>).
fn authorization(path: &str) -> Result<String, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let time = format!("{};{}", now - 60, now + 3600);
    let request = hex(&Sha1::digest(format!("get\n{path}\n\n\n")));
    let signature = hmac_sha1(&hmac_sha1(SECRET_KEY, &time)?, &format!("sha1\n{time}\n{request}\n"))?;
    Ok(format!(
        "Authorization: q-sign-algorithm=sha1&q-ak={SECRET_ID}&q-sign-time={time}&q-key-time={time}&q-header-list=\
         &q-url-param-list=&q-signature={signature}"
    ))
}

fn hmac_sha1(key: &str, text: &str) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes())?;
    mac.update(text.as_bytes());
    Ok(hex(&mac.finalize().into_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
