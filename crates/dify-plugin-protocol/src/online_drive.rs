use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Entries on a page where the request does not say (Python SDK, `entities/datasource.py`).
const DEFAULT_MAX_KEYS: u32 = 20;

/// Which page of which folder (Python SDK, `entities/datasource.py`: `OnlineDriveBrowseFilesRequest`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrowseFilesRequest {
    /// The bucket; `None` asks for the buckets themselves. Dify writes that as null, as `""` or not at all.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub bucket: Option<String>,
    /// The folder: the id of a folder entry, empty for the root. Must be there, and may be null.
    #[serde(deserialize_with = "null_is_default")]
    pub prefix: String,
    /// Most entries on the page.
    #[serde(default = "default_max_keys")]
    pub max_keys: u32,
    /// What the page before gave; empty on the first page.
    #[serde(default, deserialize_with = "null_is_default")]
    pub next_page_parameters: Map<String, Value>,
}

/// Answer to a [`BrowseFilesRequest`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrowseFilesResponse {
    /// The buckets, each without files; or the one bucket that was asked for, with a page of its files.
    pub result: Vec<Bucket>,
}

/// A bucket and a page of its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name; none for a drive without buckets.
    pub bucket: Option<String>,
    /// Entries of the page.
    pub files: Vec<DriveFile>,
    /// Whether there is another page.
    pub is_truncated: bool,
    /// What to ask for the next page with. Without it and with `is_truncated` Dify asks for this page for ever.
    pub next_page_parameters: Option<Map<String, Value>>,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveFile {
    /// What a download asks for, or as `prefix` a listing of the folder.
    pub id: String,
    /// What the user reads.
    pub name: String,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// File or folder.
    pub r#type: DriveFileType,
}

/// Kinds of [`DriveFile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriveFileType {
    /// Can be listed.
    Folder,
    /// Can be downloaded.
    File,
}

/// Which file (Python SDK, `entities/datasource.py`: `OnlineDriveDownloadFileRequest`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadFileRequest {
    /// The bucket; null, `""` and absent are the same.
    #[serde(default, deserialize_with = "empty_is_none")]
    pub bucket: Option<String>,
    /// The id of a file entry.
    pub id: String,
}

const fn default_max_keys() -> u32 {
    DEFAULT_MAX_KEYS
}

fn empty_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|text: &String| !text.is_empty()))
}

fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bucket_may_be_null_empty_or_absent() {
        for request in
            [json!({"prefix": null}), json!({"prefix": "", "bucket": ""}), json!({"prefix": "", "bucket": null})]
        {
            let request: BrowseFilesRequest = serde_json::from_value(request).unwrap();
            assert_eq!(request.bucket, None);
            assert_eq!(request.prefix, "");
            assert_eq!(request.max_keys, 20);
            assert!(request.next_page_parameters.is_empty());
        }
    }

    #[test]
    fn the_prefix_must_be_there() {
        assert!(serde_json::from_value::<BrowseFilesRequest>(json!({"bucket": "b"})).is_err());
    }

    #[test]
    fn folders_sort_before_files() {
        assert!(DriveFileType::Folder < DriveFileType::File);
    }
}
