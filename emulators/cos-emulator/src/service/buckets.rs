//! GET Service, GET Bucket and HEAD Bucket.

use http::{HeaderName, StatusCode};

use super::{Answer, Service, set};
use crate::{
    bucket_listing::{self, ListQuery},
    error::ServiceError,
    query::Query,
    store::BucketInfo,
    timestamps,
    url_encoding::encode_listed,
    xml,
};

/// Default and upper bound of `max-keys` of GET Service (COS page 436/8291).
const MAX_BUCKETS: usize = 2000;
/// The account that everything here belongs to.
const OWNER_UIN: &str = "100000000001";

/// What HEAD Bucket says of an existing bucket.
pub(super) fn head(bucket: &BucketInfo) -> Answer {
    let mut answer = Answer::empty(StatusCode::OK);
    set(&mut answer.headers, HeaderName::from_static("x-cos-bucket-region"), &bucket.region);
    answer
}

impl Service {
    /// `region` is that of the host; the query may name one, too.
    pub(super) async fn list_buckets(
        &self,
        query: &Query,
        region: Option<&str>,
        signer: &str,
    ) -> Result<Answer, ServiceError> {
        let limit = bucket_listing::max_keys(query, 1, MAX_BUCKETS)?;
        let marker = query.get("marker").unwrap_or_default().to_owned();
        let wanted = |bucket: &BucketInfo| {
            bucket.name > marker
                && bucket.is_open_to(signer)
                && [region, query.get_filled("region")].into_iter().flatten().all(|region| region == bucket.region)
        };
        let mut buckets = self.blocking(|store| Ok(store.buckets()?)).await?;
        buckets.retain(wanted);
        let is_truncated = buckets.len() > limit;
        buckets.truncate(limit);
        let list = xml::BucketList {
            owner: xml::Owner {
                id: format!("qcs::cam::uin/{OWNER_UIN}:uin/{OWNER_UIN}"),
                display_name: OWNER_UIN.to_owned(),
            },
            marker,
            next_marker: buckets.last().filter(|_| is_truncated).map(|bucket| bucket.name.clone()),
            is_truncated,
            buckets: xml::Buckets { bucket: buckets.into_iter().map(bucket_entry).collect() },
        };
        Ok(Answer::xml(StatusCode::OK, xml::document(&list)))
    }

    pub(super) async fn list_objects(&self, query: &Query, bucket: BucketInfo) -> Result<Answer, ServiceError> {
        let query = ListQuery::parse(query)?;
        let list = self
            .blocking(move |store| {
                let mut keys = store.keys(&bucket.name, &query.prefix)?;
                let page = bucket_listing::page(&query, |from| keys.first_from(from))?;
                let shown = |text: &str| {
                    if query.url_encoded { encode_listed(text) } else { text.to_owned() }
                };
                let owner = bucket.name.rsplit_once('-').map_or("", |(_, appid)| appid);
                let owner = xml::Owner { id: owner.to_owned(), display_name: owner.to_owned() };
                let mut contents = Vec::with_capacity(page.keys.len());
                for key in &page.keys {
                    // Gone since the keys were read: not there.
                    let Some(object) = store.object(&bucket.name, key)? else {
                        continue;
                    };
                    contents.push(xml::Contents {
                        key: shown(key),
                        last_modified: timestamps::listed(object.last_modified),
                        etag: object.etag,
                        size: object.length,
                        owner: owner.clone(),
                        storage_class: object.options.storage_class().to_owned(),
                    });
                }
                Ok(xml::ObjectList {
                    name: bucket.name,
                    encoding_type: query.url_encoded.then_some("url"),
                    prefix: shown(&query.prefix),
                    marker: shown(&query.marker),
                    max_keys: query.max_keys,
                    delimiter: shown(&query.delimiter),
                    is_truncated: page.next_marker.is_some(),
                    next_marker: page.next_marker.as_deref().map(shown),
                    contents,
                    common_prefixes: page
                        .common_prefixes
                        .iter()
                        .map(|prefix| xml::CommonPrefix { prefix: shown(prefix) })
                        .collect(),
                })
            })
            .await?;
        Ok(Answer::xml(StatusCode::OK, xml::document(&list)))
    }
}

fn bucket_entry(bucket: BucketInfo) -> xml::Bucket {
    xml::Bucket {
        name: bucket.name,
        location: bucket.region,
        creation_date: timestamps::created(bucket.created),
        bucket_type: "cos",
    }
}
