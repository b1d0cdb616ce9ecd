//! Dify's signatures of file URLs: HMAC-SHA256 with its secret key over texts joined by `|`, in URL-safe base64
//! (Dify, `api/core/file/helpers.py`, `api/core/tools/signature.py`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signed<'a> {
    /// An upload by a plugin.
    Upload { filename: &'a str, media_type: &'a str, tenant_id: &'a str, user_id: &'a str },
    /// The download of a file.
    Preview { file_id: &'a str },
}

impl Signed<'_> {
    fn text(&self, timestamp: &str, nonce: &str) -> String {
        match self {
            Self::Upload { filename, media_type, tenant_id, user_id } => {
                format!("upload|{filename}|{media_type}|{tenant_id}|{user_id}|{timestamp}|{nonce}")
            }
            Self::Preview { file_id } => format!("file-preview|{file_id}|{timestamp}|{nonce}"),
        }
    }
}

/// The query parameters that carry a signature.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Signature {
    /// Seconds since 1970.
    pub(crate) timestamp: String,
    pub(crate) nonce: String,
    pub(crate) sign: String,
}

/// What the nonce of every signed URL begins with, of uploads and of files: a signed URL that turns up where it may not
/// can be told by it. In Dify a nonce is 16 random bytes in hexadecimal; here, eight of them are.
pub const SIGNED_URL_MARK: &str = "d1f0a11ce0ffee07";

pub(crate) fn new_nonce() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{SIGNED_URL_MARK}{}", &random[..32 - SIGNED_URL_MARK.len()])
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Made with another key or over other texts.
    Wrong,
    /// Made too long ago.
    Expired,
}

/// Dify's `SECRET_KEY`.
#[derive(Clone)]
pub(crate) struct SecretKey([u8; 32]);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretKey")
    }
}

impl SecretKey {
    pub(crate) fn random() -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self(key)
    }

    fn mac(&self, signed: &Signed<'_>, timestamp: &str, nonce: &str) -> Hmac<Sha256> {
        let key: &hmac::digest::Key<Hmac<Sha256>> = &padded(&self.0).into();
        let mut mac = Hmac::<Sha256>::new(key);
        mac.update(signed.text(timestamp, nonce).as_bytes());
        mac
    }

    pub(crate) fn sign(&self, signed: &Signed<'_>, now: SystemTime, nonce: String) -> Signature {
        let timestamp = seconds(now).to_string();
        let sign = URL_SAFE.encode(self.mac(signed, &timestamp, &nonce).finalize().into_bytes());
        Signature { timestamp, nonce, sign }
    }

    pub(crate) fn verify(
        &self,
        signed: &Signed<'_>,
        signature: &Signature,
        now: SystemTime,
        life: Duration,
    ) -> Result<(), Refusal> {
        let sign = URL_SAFE.decode(&signature.sign).map_err(|_| Refusal::Wrong)?;
        self.mac(signed, &signature.timestamp, &signature.nonce).verify_slice(&sign).map_err(|_| Refusal::Wrong)?;
        let signed_at: u64 = signature.timestamp.parse().map_err(|_| Refusal::Wrong)?;
        if seconds(now).saturating_sub(signed_at) > life.as_secs() { Err(Refusal::Expired) } else { Ok(()) }
    }
}

/// HMAC fills a key shorter than its block with zeros; done here because that way no error is possible.
fn padded(key: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    block
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(300);
    const UPLOAD: Signed<'_> =
        Signed::Upload { filename: "a.txt", media_type: "text/plain", tenant_id: "t", user_id: "u" };

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_signature_is_the_one_that_other_implementations_make() {
        // python3: base64.urlsafe_b64encode(hmac.digest(bytes(32), b"upload|a.txt|text/plain|t|u|1700000000|n", "sha256"))
        let signature = SecretKey([0; 32]).sign(&UPLOAD, at(1_700_000_000), "n".into());
        assert_eq!(signature.sign, "n4VLBZiaHE70vg8FXHWeSKtxty_XFIL3VlHi0jBohZg=");
    }

    #[test]
    fn a_signature_holds_for_what_it_covers_and_for_its_life() {
        let key = SecretKey::random();
        let signature = key.sign(&UPLOAD, at(1000), "n".into());
        assert_eq!(key.verify(&UPLOAD, &signature, at(1300), LIFE), Ok(()));
        assert_eq!(key.verify(&UPLOAD, &signature, at(1301), LIFE), Err(Refusal::Expired));
        let other = Signed::Upload { filename: "b.txt", media_type: "text/plain", tenant_id: "t", user_id: "u" };
        assert_eq!(key.verify(&other, &signature, at(1000), LIFE), Err(Refusal::Wrong));
        assert_eq!(key.verify(&Signed::Preview { file_id: "x" }, &signature, at(1000), LIFE), Err(Refusal::Wrong));
        assert_eq!(SecretKey::random().verify(&UPLOAD, &signature, at(1000), LIFE), Err(Refusal::Wrong));
        for sign in ["", "?", "AAAA"] {
            let forged = Signature { sign: sign.into(), ..signature.clone() };
            assert_eq!(key.verify(&UPLOAD, &forged, at(1000), LIFE), Err(Refusal::Wrong));
        }
    }
}
