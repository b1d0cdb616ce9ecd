use http::HeaderMap;
use origin_client::Origin;
use serde::Deserialize;

use crate::endpoint::query;
use crate::reading::Reading;
use crate::{Cos, CosError, MalformedAnswer, Operation, Target, xml};

/// Buckets asked for per page: the most COS gives.
const PAGE: &str = "2000";

/// Most pages read. An account has at most a few hundred buckets, unless Tencent raises its limit.
const MAX_PAGES: usize = 50;

/// Most buckets read. A server that is not COS may give as many in one answer as it likes.
const MAX_BUCKETS: usize = 100_000;

/// A bucket of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bucket {
    /// `name-appid`, such as `examplebucket-1250000000`.
    pub name: String,
    /// Where it is, such as `ap-guangzhou`: the region with which its objects are asked for.
    pub region: Option<String>,
    /// When it was made, ISO 8601, such as `2019-05-24T11:49:50Z`.
    pub creation_date: String,
}

/// What `HEAD Bucket` says of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketInfo {
    /// Where it is (`x-cos-bucket-region`), where the server says so.
    pub region: Option<String>,
}

impl Cos {
    /// The account's buckets in all regions, in COS's order; an account without buckets gives an empty list.
    ///
    /// `GET Service`, <https://cloud.tencent.com/document/product/436/8291>, which needs `cos:GetService`. Where the
    /// endpoint lists by region, see [`EndpointTemplate::service_url`](crate::EndpointTemplate::service_url).
    ///
    /// # Errors
    /// [`CosError`], among others where the endpoint stands for a single bucket.
    pub async fn list_buckets(&self) -> Result<Vec<Bucket>, CosError> {
        let service = self.endpoint().service_url(self.region(None))?;
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = service.clone();
            url.set_query(Some(&match &marker {
                None => query(&[("max-keys", PAGE)]),
                Some(marker) => query(&[("marker", marker), ("max-keys", PAGE)]),
            }));
            let page = self.fetch(&Target::service(), &url, parse_bucket_page).await?;
            let last = page.buckets.last().map(|bucket| bucket.name.clone());
            buckets.extend(page.buckets);
            if buckets.len() > MAX_BUCKETS {
                return Err(unending(&service, "the list of buckets has more than 100000")?);
            }
            if !page.is_truncated {
                return Ok(buckets);
            }
            let next = page.next_marker.or(last);
            if next.is_none() || next == marker {
                return Err(unending(&service, "the list of buckets does not go on where it should")?);
            }
            marker = next;
        }
        Err(unending(&service, "the list of buckets does not end")?)
    }

    /// Whether `bucket` is there and may be used. `region` is the configured one when none is given.
    ///
    /// `HEAD Bucket`, <https://cloud.tencent.com/document/product/436/7735>, which needs `cos:HeadBucket`.
    ///
    /// # Errors
    /// [`CosError`]; a `HEAD` has no body, so COS does not say why it denied access.
    pub async fn head_bucket(&self, bucket: &str, region: Option<&str>) -> Result<BucketInfo, CosError> {
        let region = self.region(region);
        let url = self.endpoint().bucket_url(bucket, region, None)?;
        let target = Target::bucket(Operation::HeadBucket, bucket, region);
        let _place = self.place().await?;
        let response = self.open(&target, Reading::Head, &url, &HeaderMap::new()).await?;
        let region = response.headers().get("x-cos-bucket-region").and_then(|region| region.to_str().ok());
        Ok(BucketInfo { region: region.map(str::to_owned) })
    }
}

fn unending(service: &url::Url, problem: &str) -> Result<CosError, CosError> {
    Ok(CosError::Unreadable { origin: Origin::of(service)?, problem: problem.to_owned(), request_id: None })
}

#[derive(Debug)]
pub(crate) struct BucketPage {
    pub(crate) buckets: Vec<Bucket>,
    is_truncated: bool,
    pub(crate) next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename = "ListAllMyBucketsResult", rename_all = "PascalCase")]
struct ServiceXml {
    buckets: Option<BucketsXml>,
    #[serde(default)]
    is_truncated: bool,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
struct BucketsXml {
    #[serde(rename = "Bucket", default)]
    buckets: Vec<BucketXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BucketXml {
    name: String,
    location: Option<String>,
    #[serde(default)]
    creation_date: String,
}

pub(crate) fn parse_bucket_page(body: &[u8]) -> Result<BucketPage, MalformedAnswer> {
    let xml: ServiceXml = xml::parse(body, "ListAllMyBucketsResult")?;
    let buckets = xml.buckets.map(|list| list.buckets).unwrap_or_default();
    Ok(BucketPage {
        buckets: buckets
            .into_iter()
            .map(|bucket| Bucket {
                name: bucket.name,
                region: bucket.location.filter(|region| !region.is_empty()),
                creation_date: bucket.creation_date,
            })
            .collect(),
        is_truncated: xml.is_truncated,
        next_marker: xml.next_marker.filter(|marker| !marker.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_buckets_has_an_empty_list() {
        for body in [
            "<ListAllMyBucketsResult><Owner><ID>1</ID></Owner><Buckets/></ListAllMyBucketsResult>",
            "<ListAllMyBucketsResult><Buckets></Buckets><IsTruncated>false</IsTruncated></ListAllMyBucketsResult>",
            "<ListAllMyBucketsResult/>",
        ] {
            let page = parse_bucket_page(body.as_bytes()).unwrap();
            assert!(page.buckets.is_empty() && !page.is_truncated, "{body}");
        }
    }

    #[test]
    fn buckets_name_their_regions() {
        let body = b"<?xml version=\"1.0\"?>\n<ListAllMyBucketsResult>\n <Owner><ID>qcs::cam::uin/1:uin/1</ID></Owner>\n \
            <Buckets>\n<Bucket><Name>a-125</Name><Location>ap-beijing</Location><CreationDate>2019-05-24T11:49:50Z\
            </CreationDate><BucketType>cos</BucketType></Bucket><Bucket><Name>b-125</Name><Location/></Bucket></Buckets>\
            <IsTruncated>true</IsTruncated><NextMarker>b-125</NextMarker></ListAllMyBucketsResult>";
        let page = parse_bucket_page(body).unwrap();
        let [first, second] = page.buckets.as_slice() else { panic!("{page:?}") };
        assert_eq!((first.name.as_str(), first.region.as_deref()), ("a-125", Some("ap-beijing")));
        assert_eq!(first.creation_date, "2019-05-24T11:49:50Z");
        assert_eq!((second.name.as_str(), second.region.as_deref()), ("b-125", None));
        assert_eq!((page.is_truncated, page.next_marker.as_deref()), (true, Some("b-125")));
    }

    #[test]
    fn what_is_not_a_list_of_buckets_is_said_to_be_none() {
        for body in [&b"<html><body>hello</body></html>"[..], b"", b"{}", b"<ListAllMyBucketsResult><Buckets>"] {
            assert!(parse_bucket_page(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }
}
