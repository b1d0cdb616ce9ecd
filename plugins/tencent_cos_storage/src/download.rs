use dify_plugin::{Error, OutgoingFile, Reply};
use futures_util::TryStreamExt;

use crate::bucket::CosBucket;
use crate::failure::Failure;

/// Sends the object `key`, piece by piece as it comes from COS.
pub(crate) async fn download(mut bucket: CosBucket, key: &str, reply: &Reply) -> Result<(), Error> {
    let object = bucket.open(key).await?;
    let (size, media_type) = (object.info().size, object.info().content_type.clone());
    let mut file = OutgoingFile::stream(object.map_err(|error| Failure::from(error).into())).name(key);
    if let Some(size) = size {
        file = file.length(size);
    }
    if let Some(media_type) = media_type {
        file = file.media_type(media_type);
    }
    reply.file(file).await
}
