use serde::de::DeserializeOwned;

use crate::error_response::one_line;

/// An answer that should be a document of COS's, and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedAnswer(pub(crate) String);

/// Most characters of what is wrong with an answer: it may repeat what the answer says.
const MAX_PROBLEM: usize = 300;

impl MalformedAnswer {
    pub(crate) fn new(problem: &str) -> Self {
        Self(one_line(problem, MAX_PROBLEM).unwrap_or_default())
    }
}

/// The XML document in `body`, whose root is `root`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8], root: &str) -> Result<T, MalformedAnswer> {
    let text = std::str::from_utf8(body).map_err(|_| MalformedAnswer("the answer is not UTF-8".to_owned()))?;
    // The deserializer takes any root for the one it wants.
    let mut elements = text.split('<').skip(1).filter(|element| !element.starts_with(['?', '!']));
    let is_root = |element: &str| {
        element.strip_prefix(root).is_some_and(|rest| rest.starts_with(['>', '/', ' ', '\t', '\r', '\n']))
    };
    if !elements.next().is_some_and(is_root) {
        return Err(MalformedAnswer(format!("the answer is not a {root}")));
    }
    quick_xml::de::from_str(text)
        .map_err(|error| MalformedAnswer::new(&format!("the answer is not a well-formed {root}: {error}")))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Answer {
        #[serde(rename = "A", default)]
        a: Vec<String>,
    }

    #[test]
    fn the_root_has_to_be_the_one_wanted() {
        let answer = |text: &str| parse::<Answer>(text.as_bytes(), "Root");
        let one = Answer { a: vec!["1".to_owned()] };
        assert_eq!(answer("<?xml version='1.0'?>\n<!-- COS -->\n<Root xmlns=\"x\"><A>1</A></Root>"), Ok(one));
        assert_eq!(answer("<Root/>"), Ok(Answer { a: vec![] }));
        for text in ["", "Root", "<Roots/>", "<Other><Root/></Other>"] {
            assert_eq!(answer(text), Err(MalformedAnswer("the answer is not a Root".to_owned())), "{text}");
        }
    }

    #[test]
    fn a_hostile_document_costs_neither_stack_nor_time() {
        let start = std::time::Instant::now();
        for text in [
            format!("<Root>{}", "<x>".repeat(1_000_000)),
            format!("<Root>{}</Root>", "<A>1</A><x/><y>2</y>".repeat(100_000)),
            format!("<!DOCTYPE r [<!ENTITY a \"{}\">]><Root><A>{}</A></Root>", "x".repeat(1000), "&a;".repeat(1000)),
        ] {
            let _ = parse::<Answer>(text.as_bytes(), "Root");
        }
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}
