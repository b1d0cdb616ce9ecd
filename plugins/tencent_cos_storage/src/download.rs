use dify_plugin::{Error, OutgoingFile, Reply};
use futures_util::TryStreamExt;

use crate::bucket::CosBucket;
use crate::content_encoding::{MAX_DECODED, gunzip, is_gzip};
use crate::failure::Failure;

/// Sends the object `key`, piece by piece as it comes from COS.
pub(crate) async fn download(mut bucket: CosBucket, key: &str, reply: &Reply) -> Result<(), Error> {
    let object = bucket.open(key).await?;
    let info = object.info().clone();
    let content = object.map_err(|error| Error::from(Failure::from(error)));
    let mut file = if is_gzip(info.content_encoding.as_deref()) {
        // How long it becomes is not known before its end.
        OutgoingFile::stream(gunzip(content, key.to_owned(), MAX_DECODED))
    } else {
        let file = OutgoingFile::stream(content);
        match info.size {
            Some(size) => file.length(size),
            None => file,
        }
    };
    if let Some(media_type) = info.content_type {
        file = file.media_type(media_type);
    }
    reply.file(file.name(key)).await
}
