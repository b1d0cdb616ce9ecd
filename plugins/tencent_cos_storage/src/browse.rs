use dify_plugin::{BrowseFilesRequest, BrowseFilesResponse, Bucket, Error};
use serde_json::{Map, Value};

use crate::account::Account;
use crate::bucket::CosBucket;
use crate::folder_page::FolderPage;

/// Where `next_page_parameters` holds the marker, as in the official plugin.
const MARKER: &str = "marker";

/// How many entries Dify asks for at once when it imports a folder with all below it, and at no other time (Dify,
/// `api/core/app/apps/pipeline/pipeline_generator.py`; its page asks for 30).
const IMPORT_PAGE: u32 = 20;

/// The account's buckets, or a page of a folder in one of them.
pub(crate) async fn browse(account: Account, request: BrowseFilesRequest) -> Result<BrowseFilesResponse, Error> {
    let result = match request.bucket {
        None => buckets(&account).await?,
        Some(name) => {
            let marker = marker(&request.next_page_parameters)?;
            let page = FolderPage::new(request.prefix, page_size(request.max_keys, marker.as_deref()), marker);
            vec![folder(account.bucket(name)?, page).await?]
        }
    };
    Ok(BrowseFilesResponse { result })
}

async fn buckets(account: &Account) -> Result<Vec<Bucket>, Error> {
    let entry = |name| Bucket {
        bucket: Some(name),
        files: Vec::new(),
        is_truncated: false,
        next_page_parameters: Some(Map::new()),
    };
    Ok(account.bucket_names().await?.into_iter().map(entry).collect())
}

async fn folder(mut bucket: CosBucket, mut page: FolderPage) -> Result<Bucket, Error> {
    while let Some(request) = page.next_request() {
        let listed = bucket.list(page.prefix(), request.marker.as_deref(), request.max_keys).await?;
        let files = listed.objects.into_iter().map(|object| (object.key, object.size));
        page.add(files, listed.common_prefixes, listed.next_marker)?;
    }
    let (files, marker) = page.finish();
    Ok(Bucket {
        bucket: Some(bucket.into_name()),
        files,
        is_truncated: marker.is_some(),
        next_page_parameters: Some(
            marker.map(|marker| (MARKER.to_owned(), Value::String(marker))).into_iter().collect(),
        ),
    })
}

/// An import gets as much as COS lists at once: versions of Dify from May 2026 on drop, without a word, what follows the
/// first page of a folder that they import.
const fn page_size(max_keys: u32, marker: Option<&str>) -> u32 {
    if max_keys == IMPORT_PAGE && marker.is_none() { FolderPage::LARGEST } else { max_keys }
}

fn marker(next_page_parameters: &Map<String, Value>) -> Result<Option<String>, Error> {
    match next_page_parameters.get(MARKER) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(marker)) => Ok(Some(marker.clone()).filter(|marker| !marker.is_empty())),
        Some(_) => Err(Error::parameter("next_page_parameters.marker is not a text")),
    }
}
