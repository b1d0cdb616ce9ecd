//! A page of a listing read from its XML: `cargo bench -p tencent-cos --bench list`. `docs/benchmarks.md` says how to count
//! instructions instead.

use std::fmt::Write;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tencent_cos::parse_object_page;

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 10, 100, 1000])]
fn object_page(bencher: Bencher<'_, '_>, objects: usize) {
    let page = page(objects);
    let counters = (ItemsCount::new(objects), BytesCount::new(page.len()));
    bencher.counter(counters.0).counter(counters.1).bench(|| parse_object_page(page.as_bytes()));
}

/// As COS writes one, with keys that are percent-encoded.
fn page(objects: usize) -> String {
    let mut page = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><ListBucketResult><Name>photos-1250000000</Name>\
                    <EncodingType>url</EncodingType><Prefix/><Marker/><MaxKeys>1000</MaxKeys>\
                    <IsTruncated>false</IsTruncated>"
        .to_owned();
    for number in 0..objects {
        let _ = write!(
            page,
            "<Contents><Key>notes%2F%E6%8A%A5%E5%91%8A%20{number:07}.txt</Key><LastModified>2026-01-01T00:00:00.000Z\
             </LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>{number}</Size><Owner><ID>1\
             </ID><DisplayName>1</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>"
        );
    }
    page.push_str("</ListBucketResult>");
    page
}
