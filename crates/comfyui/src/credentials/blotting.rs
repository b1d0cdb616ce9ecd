//! Secrets taken out of what a server says: some gateways and nodes repeat what they were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in place of a secret.
const BLOT: &str = "***";

/// A text of so many bytes is no secret, and would blot out half of every sentence.
const NO_SECRET: usize = 3;

/// `text` without `secrets`: as they are, as in a URL, in base64, and as the beginning of one where the text was cut.
pub(super) fn blot_out<'a>(mut text: String, secrets: impl IntoIterator<Item = &'a str>) -> String {
    for secret in secrets.into_iter().filter(|secret| secret.len() > NO_SECRET) {
        for form in [
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            STANDARD_NO_PAD.encode(secret),
        ] {
            if text.contains(&form) {
                text = text.replace(&form, BLOT);
            }
            blot_out_cut_end(&mut text, &form);
        }
    }
    text
}

/// Takes the beginning of `secret` off the end of a text that was cut there.
fn blot_out_cut_end(text: &mut String, secret: &str) {
    let Some(kept) = text.strip_suffix('…') else { return };
    let cuts = secret.char_indices().map(|(at, _)| at).rev();
    let cut =
        cuts.take_while(|at| *at > NO_SECRET).find(|at| secret.get(..*at).is_some_and(|part| kept.ends_with(part)));
    if let Some(cut) = cut {
        let kept = kept.len() - cut;
        text.replace_range(kept.., BLOT);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blotted(text: &str) -> String {
        blot_out(text.to_owned(), ["s3cret/key", "abc", "other"])
    }

    #[test]
    fn a_secret_goes_in_every_form() {
        assert_eq!(blotted("Bearer s3cret/key, other"), "Bearer ***, ***");
        assert_eq!(blotted("GET /?key=s3cret%2Fkey"), "GET /?key=***");
        assert_eq!(blotted("Basic czNjcmV0L2tleQ=="), "Basic ***==");
        assert_eq!(blotted("abc"), "abc");
    }

    #[test]
    fn the_beginning_of_a_secret_goes_where_the_text_was_cut() {
        assert_eq!(blotted("your key is s3cret/k…"), "your key is ***…");
        assert_eq!(blotted("your key is s3cr…"), "your key is ***…");
        // Three characters tell nothing.
        assert_eq!(blotted("your key is s3c…"), "your key is s3c…");
        assert_eq!(blotted("your key is s3cret/k"), "your key is s3cret/k");
    }
}
