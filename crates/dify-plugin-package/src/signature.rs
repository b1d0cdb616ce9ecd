use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::archive::{self, Archive, ArchiveError, read_archive};

/// The last file of a signed package, which says who vouches for it
/// (dify-plugin-daemon, `pkg/plugin_packager/decoder/entities.go`).
const VERIFICATION_FILE: &str = ".verification.dify.json";

/// What a third party may claim to be.
const VERIFICATION: &[u8] = br#"{"authorized_category":"community"}"#;

/// Why a package cannot be signed, or is not what its signature says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The package cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The key is not in the form that Dify takes.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// The package is signed already.
    #[error("the package is signed already")]
    Signed,
    /// The package is not signed.
    #[error("the package is not signed")]
    Unsigned,
    /// The package was changed, or signed with another key.
    #[error("the package was changed after it was signed, or signed with another key")]
    Mismatch,
    /// The random numbers of the system are not to be had.
    #[error("the system gave no random numbers")]
    Random,
}

/// The comment of a signed package.
#[derive(Debug, Serialize, Deserialize)]
struct Comment {
    signature: String,
    time: i64,
}

/// Signs a package with a PKCS#1 key (`BEGIN RSA PRIVATE KEY`, 2048 to 4096 bits) at `time`, in seconds since 1970, so
/// that a daemon accepts it whose `THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS` names the public key
/// (dify-plugin-daemon, `pkg/plugin_packager/signer/withkey/sign_with_key.go`).
///
/// # Errors
/// [`SignatureError`]: the package or the key cannot be used, or it is signed already.
pub fn sign(package: &[u8], private_key: &str, time: i64) -> Result<Vec<u8>, SignatureError> {
    let key = KeyPair::from_der(&key_of(private_key, "RSA PRIVATE KEY")?)
        .map_err(|rejected| SignatureError::Key(rejected.to_string()))?;
    let mut files = read_archive(package)?.files;
    if files.iter().any(|(path, _)| path == VERIFICATION_FILE) {
        return Err(SignatureError::Signed);
    }
    files.push((VERIFICATION_FILE.to_owned(), VERIFICATION.to_vec()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signed_bytes(&files, time), &mut signature)
        .map_err(|_| SignatureError::Random)?;
    let comment = Comment { signature: STANDARD.encode(signature), time };
    let comment = serde_json::to_string(&comment).map_err(|error| SignatureError::Key(error.to_string()))?;
    let files = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    Ok(archive::write_in_order(files, Some(&comment))?)
}

/// Checks a signed package against a PKCS#1 key (`BEGIN RSA PUBLIC KEY`), as the daemon does. Gives the time of signing.
///
/// # Errors
/// [`SignatureError`]: unsigned, changed, another key, or one that cannot be used.
pub fn verify(package: &[u8], public_key: &str) -> Result<i64, SignatureError> {
    let key = key_of(public_key, "RSA PUBLIC KEY")?;
    let Archive { files, comment } = read_archive(package)?;
    let comment: Comment = serde_json::from_str(&comment).map_err(|_| SignatureError::Unsigned)?;
    let signature = STANDARD.decode(&comment.signature).map_err(|_| SignatureError::Mismatch)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(&signed_bytes(&files, comment.time), &signature)
        .map_err(|_| SignatureError::Mismatch)?;
    Ok(comment.time)
}

/// The digest of each file's bytes in the order of the zip, then the time as decimal text.
fn signed_bytes(files: &[(String, Vec<u8>)], time: i64) -> Vec<u8> {
    let mut signed: Vec<u8> = files.iter().flat_map(|(_, bytes)| Sha256::digest(bytes)).collect();
    signed.extend_from_slice(time.to_string().as_bytes());
    signed
}

fn key_of(pem: &str, expected: &str) -> Result<Vec<u8>, SignatureError> {
    let pem = pem::parse(pem).map_err(|error| SignatureError::Key(error.to_string()))?;
    if pem.tag() == expected {
        return Ok(pem.into_contents());
    }
    Err(SignatureError::Key(format!("it is a {}; Dify takes a {expected} (PKCS#1)", pem.tag())))
}
