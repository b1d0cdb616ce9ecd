//! Bodies and headers of COS's answers.

use tencent_cos::fuzzing::{bucket_page, error_response};
use tencent_cos::parse_object_page;

use super::{assert_shown_as_it_is, reader};

pub(super) fn run(bytes: &[u8]) {
    let (reader, body) = reader(bytes);
    match reader {
        0 => objects(body),
        1 => match bucket_page(body) {
            Ok((buckets, marker)) => {
                assert!(buckets.iter().all(|bucket| bucket.region.as_deref() != Some("")));
                assert_ne!(marker.as_deref(), Some(""));
            }
            Err(error) => check_error(&error.to_string()),
        },
        _ => {
            for text in error_response(body).into_iter().flatten() {
                assert!(text.chars().count() <= 300 && !text.is_empty());
                assert!(!text.contains('\n'));
                assert_shown_as_it_is(&text);
            }
        }
    }
}

fn objects(body: &[u8]) {
    match parse_object_page(body) {
        Ok(page) => {
            assert!(page.objects.len() + page.common_prefixes.len() <= 1000);
            assert_eq!(page.is_truncated, page.next_marker.is_some(), "the next page cannot be asked for");
        }
        Err(error) => check_error(&error.to_string()),
    }
}

fn check_error(text: &str) {
    assert!(text.chars().count() <= 600, "{} characters", text.chars().count());
    assert_shown_as_it_is(text);
}
