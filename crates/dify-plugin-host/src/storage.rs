//! A plugin's storage in Dify, in memory (dify-plugin-daemon, `internal/core/persistence/persistence.go` and
//! `internal/core/io_tunnel/backwards_invocation/task.go`).

use std::collections::HashMap;

use dify_plugin_protocol::limits::STORAGE_KEY;
use dify_plugin_protocol::{StorageRequest, StorageResponse};
use serde_json::{Map, Value, json};

/// `PERSISTENCE_STORAGE_MAX_SIZE` of the daemon: bytes of all values together.
pub(crate) const DEFAULT_LIMIT: usize = 100 * 1024 * 1024;

/// Values by key.
#[derive(Debug)]
pub(crate) struct Storage {
    values: HashMap<String, Vec<u8>>,
    size: usize,
    limit: usize,
}

impl Storage {
    pub(crate) fn new(limit: usize) -> Self {
        Self { values: HashMap::new(), size: 0, limit }
    }

    /// The answer, or the text of the daemon's error.
    pub(crate) fn answer(&mut self, request: StorageRequest) -> Result<StorageResponse, String> {
        match request {
            StorageRequest::Set { key, value } => {
                let value = from_hex(&value).ok_or_else(|| "decode data failed: invalid hex".to_owned())?;
                self.set(key, value).map_err(|error| format!("save data failed: {error}"))?;
                Ok(response(json!("ok"), None))
            }
            StorageRequest::Get { key } => match check_key(&key).ok().and_then(|()| self.values.get(&key)) {
                Some(value) => Ok(response(json!(to_hex(value)), None)),
                None => Err("load data failed, please check if the key is correct or you have not set it".to_owned()),
            },
            StorageRequest::Del { key } => {
                check_key(&key).map_err(|error| format!("delete data failed: {error}"))?;
                let Some(value) = self.values.remove(&key) else {
                    return Err("delete data failed: no such file or directory".to_owned());
                };
                self.size -= value.len();
                Ok(response(json!("ok"), Some(("deleted_num", 1))))
            }
            StorageRequest::Exist { key } => {
                check_key(&key).map_err(|error| format!("exist data failed: {error}"))?;
                let found = self.values.contains_key(&key);
                Ok(response(json!(found), Some(("exist_num", u64::from(found)))))
            }
        }
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), String> {
        check_key(&key)?;
        if key.len() > STORAGE_KEY {
            return Err("key length must be less than 256 characters".to_owned());
        }
        let before = self.values.get(&key).map_or(0, Vec::len);
        let size = self.size - before + value.len();
        // The daemon has written the value by the time it says so; here that would be memory without a bound.
        if size > self.limit {
            return Err("allocated size is greater than max storage size".to_owned());
        }
        self.size = size;
        self.values.insert(key, value);
        Ok(())
    }
}

fn response(data: Value, count: Option<(&str, u64)>) -> StorageResponse {
    let counts: Map<_, _> = count.into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect();
    StorageResponse { data, counts }
}

fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("key is required".to_owned());
    }
    // The daemon looks at the key after `path.Clean`: what climbs out of the folder keeps its dots.
    let mut depth = 0_i64;
    for part in key.split('/') {
        match part {
            "" | "." => {}
            ".." if !key.starts_with('/') || depth > 0 => depth -= 1,
            ".." => {}
            part if part.contains("..") || part.contains('\\') => depth = i64::MIN / 2,
            _ => depth += 1,
        }
        if depth < 0 {
            return Err("invalid key: path traversal attempt detected".to_owned());
        }
    }
    Ok(())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?)).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage() -> Storage {
        Storage::new(10)
    }

    fn ask(storage: &mut Storage, request: Value) -> Result<Value, String> {
        let request = serde_json::from_value(request).unwrap();
        storage.answer(request).map(|response| serde_json::to_value(response).unwrap())
    }

    #[test]
    fn a_value_lives_until_it_is_deleted() {
        let storage = &mut storage();
        assert_eq!(ask(storage, json!({"opt": "exist", "key": "k"})), Ok(json!({"data": false, "exist_num": 0})));
        assert_eq!(ask(storage, json!({"opt": "set", "key": "k", "value": "00fF"})), Ok(json!({"data": "ok"})));
        assert_eq!(ask(storage, json!({"opt": "get", "key": "k"})), Ok(json!({"data": "00ff"})));
        assert_eq!(ask(storage, json!({"opt": "exist", "key": "k"})), Ok(json!({"data": true, "exist_num": 1})));
        assert_eq!(ask(storage, json!({"opt": "del", "key": "k"})), Ok(json!({"data": "ok", "deleted_num": 1})));
        assert_eq!(
            ask(storage, json!({"opt": "get", "key": "k"})),
            Err("load data failed, please check if the key is correct or you have not set it".into())
        );
        assert!(ask(storage, json!({"opt": "del", "key": "k"})).is_err());
    }

    #[test]
    fn values_are_hexadecimal() {
        for value in ["0", "0g", "é"] {
            assert!(ask(&mut storage(), json!({"opt": "set", "key": "k", "value": value})).is_err(), "{value}");
        }
        assert!(ask(&mut storage(), json!({"opt": "set", "key": "k", "value": ""})).is_ok());
    }

    #[test]
    fn keys_are_checked() {
        let long = "k".repeat(257);
        for key in ["", "..", "../x", "a/../../x", "a..b", "a\\b", &long] {
            assert!(ask(&mut storage(), json!({"opt": "set", "key": key, "value": ""})).is_err(), "{key}");
        }
        for key in ["a/b", "a/./b", "a/../b", "/a", &long[1..]] {
            assert!(ask(&mut storage(), json!({"opt": "set", "key": key, "value": ""})).is_ok(), "{key}");
        }
    }

    #[test]
    fn all_values_together_are_limited() {
        let storage = &mut storage();
        assert!(ask(storage, json!({"opt": "set", "key": "a", "value": "00".repeat(6)})).is_ok());
        assert_eq!(
            ask(storage, json!({"opt": "set", "key": "b", "value": "00".repeat(5)})),
            Err("save data failed: allocated size is greater than max storage size".into())
        );
        assert!(ask(storage, json!({"opt": "set", "key": "a", "value": "00".repeat(10)})).is_ok());
    }
}
