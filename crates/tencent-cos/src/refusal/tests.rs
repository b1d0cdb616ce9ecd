use std::time::UNIX_EPOCH;

use http::HeaderValue;

use super::*;
use crate::error_response::parse_error_response;

const OBJECT: (Operation, Option<&str>) = (Operation::GetObject, Some("docs/a.txt"));
const BUCKET: (Operation, Option<&str>) = (Operation::GetBucket, None);

fn refusal(
    (operation, key): (Operation, Option<&str>),
    status: u16,
    body: &str,
    headers: &[(&'static str, &str)],
) -> Refusal {
    let target = Target {
        operation,
        bucket: Some("b-125".to_owned()),
        region: Some("ap-guangzhou".to_owned()),
        key: key.map(str::to_owned),
    };
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
    Refusal::new(
        &target,
        StatusCode::from_u16(status).unwrap(),
        &headers.collect(),
        parse_error_response(body.as_bytes()),
        UNIX_EPOCH + Duration::from_secs(1_700_000_000),
    )
}

fn xml(code: &str, message: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <StringToSign>sha1\nsesame</StringToSign><RequestId>Njk=</RequestId></Error>"
    )
}

#[test]
fn each_error_says_what_to_do() {
    use CosErrorKind as Kind;
    for (what, status, code, kind, text) in [
        (
            BUCKET,
            403,
            "AccessDenied",
            Kind::AccessDenied,
            "access denied: the credentials lack cos:GetBucket on bucket b-125 (ap-guangzhou) (request id Njk=)",
        ),
        (
            OBJECT,
            403,
            "InvalidAccessKeyId",
            Kind::InvalidAccessKeyId,
            "the secret ID is wrong: COS does not know it, or it is disabled (object \"docs/a.txt\" in bucket b-125 \
             (ap-guangzhou)) (request id Njk=)",
        ),
        (
            BUCKET,
            403,
            "SignatureDoesNotMatch",
            Kind::SignatureDoesNotMatch,
            "the secret key is wrong: COS computed another signature (bucket b-125 (ap-guangzhou)) (request id Njk=)",
        ),
        (
            BUCKET,
            403,
            "RequestTimeTooSkewed",
            Kind::RequestTimeTooSkewed,
            "this machine's clock is too far from COS's: set it right (request id Njk=)",
        ),
        (
            BUCKET,
            403,
            "ExpiredToken",
            Kind::SessionTokenRejected,
            "the temporary key has expired or its session token is wrong: get a new one (request id Njk=)",
        ),
        (
            BUCKET,
            404,
            "NoSuchBucket",
            Kind::NoSuchBucket,
            "there is no bucket b-125 (ap-guangzhou): check its name, APPID included, and its region (request id Njk=)",
        ),
        (
            OBJECT,
            404,
            "NoSuchKey",
            Kind::NoSuchKey,
            "there is no object \"docs/a.txt\" in bucket b-125 (ap-guangzhou) (request id Njk=)",
        ),
        (
            OBJECT,
            403,
            "InvalidObjectState",
            Kind::InvalidObjectState,
            "object \"docs/a.txt\" in bucket b-125 (ap-guangzhou) is archived: restore it in COS, then read it (request \
             id Njk=)",
        ),
        (
            OBJECT,
            412,
            "PreconditionFailed",
            Kind::ObjectChanged,
            "object \"docs/a.txt\" in bucket b-125 (ap-guangzhou) was replaced while it was being read: read it again \
             (request id Njk=)",
        ),
        (
            BUCKET,
            503,
            "SlowDown",
            Kind::Throttled,
            "COS asks for fewer requests (HTTP 503): try again later (request id Njk=)",
        ),
        (
            BUCKET,
            500,
            "InternalError",
            Kind::Unavailable,
            "COS has a failure of its own (HTTP 500): try again later (request id Njk=)",
        ),
        (
            BUCKET,
            451,
            "UnavailableForLegalReasons",
            Kind::Other,
            "COS refused bucket b-125 (ap-guangzhou) with HTTP 451 UnavailableForLegalReasons: In words (request id \
             Njk=)",
        ),
    ] {
        let refusal = refusal(what, status, &xml(code, "In words"), &[]);
        assert_eq!((refusal.kind, refusal.to_string().as_str()), (kind, text));
        assert!(!format!("{refusal:?}").contains("sesame"));
    }
}

#[test]
fn without_a_body_the_status_and_the_call_decide() {
    use CosErrorKind as Kind;
    for (what, status, kind) in [
        ((Operation::HeadObject, Some("k")), 404, Kind::NoSuchKey),
        ((Operation::HeadBucket, None), 404, Kind::NoSuchBucket),
        ((Operation::HeadBucket, None), 403, Kind::AccessDenied),
        ((Operation::GetService, None), 404, Kind::Other),
        (OBJECT, 412, Kind::ObjectChanged),
        (BUCKET, 429, Kind::Throttled),
        (BUCKET, 502, Kind::Unavailable),
        (BUCKET, 408, Kind::Unavailable),
        (BUCKET, 400, Kind::Other),
        (BUCKET, 302, Kind::Other),
    ] {
        for body in ["", "<html><body><h1>Nope</h1></body></html>"] {
            assert_eq!(refusal(what, status, body, &[]).kind, kind, "{what:?} {status} {body}");
        }
    }
}

#[test]
fn headers_stand_in_for_what_the_body_does_not_say() {
    let headers = [("x-cos-request-id", "NjUw"), ("x-cos-error-code", "NoSuchBucket")];
    let refusal = refusal((Operation::HeadObject, Some("k")), 404, "", &headers);
    assert_eq!((refusal.kind, refusal.request_id.as_deref()), (CosErrorKind::NoSuchBucket, Some("NjUw")));
}

#[test]
fn a_wrong_clock_is_measured_against_the_answers_date() {
    // 1 700 000 000 is 22:13:20.
    for (date, text) in [
        ("Tue, 14 Nov 2023 21:43:20 GMT", "this machine's clock is 1800 s ahead of COS's: set it right"),
        ("Tue, 14 Nov 2023 22:43:20 GMT", "this machine's clock is 1800 s behind COS's: set it right"),
        ("yesterday", "this machine's clock is too far from COS's: set it right"),
    ] {
        for body in [xml("RequestTimeTooSkewed", ""), xml("AccessDenied", "Request has expired")] {
            let refusal = refusal(BUCKET, 403, &body, &[("date", date)]);
            assert_eq!(refusal.kind, CosErrorKind::RequestTimeTooSkewed);
            assert_eq!(refusal.to_string(), format!("{text} (request id Njk=)"));
        }
    }
}

#[test]
fn a_good_clock_is_not_blamed() {
    let headers = [("date", "Tue, 14 Nov 2023 22:13:10 GMT")];
    let refusal = refusal(BUCKET, 403, &xml("AccessDenied", "Request has expired"), &headers);
    assert_eq!((refusal.kind, refusal.clock_ahead), (CosErrorKind::AccessDenied, None));
}

#[test]
fn what_a_head_leaves_open_is_left_open() {
    let head = (Operation::HeadObject, Some("k"));
    assert_eq!(
        refusal(head, 403, "", &[]).to_string(),
        "access denied: the credentials are wrong, or lack cos:HeadObject on object \"k\" in bucket b-125 (ap-guangzhou)"
    );
    assert_eq!(
        refusal(head, 404, "", &[]).to_string(),
        "there is no object \"k\" in bucket b-125 (ap-guangzhou), or no such bucket"
    );
}

#[test]
fn the_pause_asked_for_is_read_in_seconds_or_as_a_date() {
    for (value, pause) in [
        ("7", Some(7)),
        ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30)),
        ("Tue, 14 Nov 2023 22:13:00 GMT", None),
        ("soon", None),
        ("-1", None),
    ] {
        let refusal = refusal(BUCKET, 503, "", &[("retry-after", value)]);
        assert_eq!(refusal.retry_after, pause.map(Duration::from_secs), "{value}");
    }
}
