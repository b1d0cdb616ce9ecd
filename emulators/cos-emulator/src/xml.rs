//! The XML bodies, field by field as COS writes them.
//!
//! Shapes: the COS pages "GET Service" (436/8291), "GET Bucket" (436/7734)
//! and "Error Codes" (436/7730).

use serde::Serialize;

use crate::error::ServiceError;

#[derive(Debug, Serialize)]
#[serde(rename = "ListAllMyBucketsResult", rename_all = "PascalCase")]
pub(crate) struct BucketList {
    pub(crate) owner: Owner,
    pub(crate) marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_marker: Option<String>,
    pub(crate) is_truncated: bool,
    pub(crate) buckets: Buckets,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Buckets {
    pub(crate) bucket: Vec<Bucket>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) creation_date: String,
    pub(crate) bucket_type: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Owner {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(rename = "DisplayName")]
    pub(crate) display_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename = "ListBucketResult", rename_all = "PascalCase")]
pub(crate) struct ObjectList {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding_type: Option<&'static str>,
    pub(crate) prefix: String,
    pub(crate) marker: String,
    pub(crate) max_keys: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) delimiter: String,
    pub(crate) is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_marker: Option<String>,
    pub(crate) contents: Vec<Contents>,
    pub(crate) common_prefixes: Vec<CommonPrefix>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Contents {
    pub(crate) key: String,
    pub(crate) last_modified: String,
    #[serde(rename = "ETag")]
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) owner: Owner,
    pub(crate) storage_class: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CommonPrefix {
    pub(crate) prefix: String,
}

#[derive(Debug, Serialize)]
#[serde(rename = "Error", rename_all = "PascalCase")]
struct ErrorBody<'a> {
    code: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_to_sign: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format_string: Option<&'a str>,
    resource: &'a str,
    request_id: &'a str,
    trace_id: &'a str,
}

/// The body of an error answer.
pub(crate) fn error_body(error: &ServiceError, resource: &str, request_id: &str, trace_id: &str) -> String {
    let (string_to_sign, format_string) = match error {
        ServiceError::SignatureDoesNotMatch { string_to_sign, format_string } => {
            (Some(string_to_sign.as_str()), Some(format_string.as_str()))
        }
        _ => (None, None),
    };
    document(&ErrorBody {
        code: error.code(),
        message: error.message(),
        string_to_sign,
        format_string,
        resource,
        request_id,
        trace_id,
    })
}

/// Writes `body` as COS does: single quotes in the declaration, tabs.
pub(crate) fn document(body: &impl Serialize) -> String {
    let mut text = String::from("<?xml version='1.0' encoding='utf-8' ?>\n");
    let mut serializer = quick_xml::se::Serializer::new(&mut text);
    serializer.indent('\t', 1);
    if let Err(error) = body.serialize(serializer) {
        // Only types of this module come here, and they all have an XML form.
        tracing::error!(%error, "an XML body could not be written");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_look_like_those_of_cos() {
        let body = error_body(&ServiceError::NoSuchKey, "h/a<b&c", "id", "trace");
        assert_eq!(
            body,
            "<?xml version='1.0' encoding='utf-8' ?>\n\
             <Error>\n\
             \t<Code>NoSuchKey</Code>\n\
             \t<Message>The specified key does not exist.</Message>\n\
             \t<Resource>h/a&lt;b&amp;c</Resource>\n\
             \t<RequestId>id</RequestId>\n\
             \t<TraceId>trace</TraceId>\n\
             </Error>\n"
        );
    }

    #[test]
    fn a_mismatch_shows_both_strings() {
        let error = ServiceError::SignatureDoesNotMatch {
            string_to_sign: "sha1\n1;2\nff\n".into(),
            format_string: "get\n/\n\nhost=h\n".into(),
        };
        let body = error_body(&error, "h/", "id", "trace");
        assert!(body.contains("<StringToSign>sha1\n1;2\nff\n</StringToSign>"));
        assert!(body.contains("<FormatString>get\n/\n\nhost=h\n</FormatString>"));
    }

    #[test]
    fn empty_lists_are_empty_elements() {
        let body = document(&BucketList {
            owner: Owner { id: "1".into(), display_name: "1".into() },
            marker: String::new(),
            next_marker: None,
            is_truncated: false,
            buckets: Buckets { bucket: vec![] },
        });
        assert!(body.contains("\t<Marker/>\n\t<IsTruncated>false</IsTruncated>\n\t<Buckets"));
        assert!(!body.contains("<Bucket>"));
    }
}
