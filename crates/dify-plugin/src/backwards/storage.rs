use dify_plugin_protocol::{BackwardsInvocation, StorageRequest, StorageResponse};
use serde_json::Value;

use crate::Error;
use crate::session::Session;

use super::{InvocationError, call_back};

/// The plugin's own storage in Dify, shared by all users of a workspace. The manifest must ask for
/// `resource.permission.storage`.
#[derive(Debug)]
pub struct Storage<'a> {
    session: &'a Session,
}

impl<'a> Storage<'a> {
    pub(crate) const fn new(session: &'a Session) -> Self {
        Self { session }
    }

    /// Stores `value` under `key`, at most 256 bytes without `..`, `//` and `\`.
    ///
    /// # Errors
    /// In Dify's words when it refuses, and when it does not confirm.
    pub async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.call(StorageRequest::Set { key: key.to_owned(), value: to_hex(value) }).await.map(drop)
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// In Dify's words when there is none or it refuses.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, Error> {
        let value = self.call(StorageRequest::Get { key: key.to_owned() }).await?;
        let value = value.as_str().and_then(from_hex);
        value.ok_or_else(|| InvocationError::Unexpected("a value that is not hexadecimal".to_owned()).into())
    }

    /// Deletes the value under `key`.
    ///
    /// # Errors
    /// In Dify's words when it refuses.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.call(StorageRequest::Del { key: key.to_owned() }).await.map(drop)
    }

    /// Whether there is a value under `key`.
    ///
    /// # Errors
    /// In Dify's words when it refuses.
    pub async fn exist(&self, key: &str) -> Result<bool, Error> {
        let exists = self.call(StorageRequest::Exist { key: key.to_owned() }).await?;
        exists.as_bool().ok_or_else(|| InvocationError::Unexpected("neither true nor false".to_owned()).into())
    }

    async fn call(&self, request: StorageRequest) -> Result<Value, Error> {
        let response: StorageResponse = call_back(self.session, BackwardsInvocation::STORAGE, &request).await?;
        Ok(response.data)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_there_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(to_hex(b"\x00\x01hello\xff"), "000168656c6c6fff");
        for faulty in ["0", "0g", "é0"] {
            assert_eq!(from_hex(faulty), None);
        }
    }
}
