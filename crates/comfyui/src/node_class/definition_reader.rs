use memchr::memchr2;
use serde::de::IgnoredAny;

use super::NodeDefinitions;

/// Reads `GET /object_info` as it comes, and holds no more of its text than the class that is under way.
///
/// It gives what [`NodeDefinitions::from_json`] gives for the whole text, and an error where that gives one.
#[derive(Debug)]
pub struct NodeDefinitionReader {
    definitions: NodeDefinitions,
    /// A brace, and what was read of a class and its name.
    member: Vec<u8>,
    has_members: bool,
    place: Place,
    /// Open brackets and braces, that of the whole among them.
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    BeforeObject,
    InObject,
    InString,
    /// Behind a backslash in a string.
    Escaped,
    BehindObject,
}

impl Default for NodeDefinitionReader {
    fn default() -> Self {
        let definitions = NodeDefinitions::default();
        Self { definitions, member: vec![b'{'], has_members: false, place: Place::BeforeObject, depth: 0 }
    }
}

impl NodeDefinitionReader {
    /// Nothing is read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads on, from anywhere to anywhere.
    ///
    /// # Errors
    /// When what was read until now is not the beginning of a JSON object, as far as classes are complete.
    pub fn push(&mut self, mut text: &[u8]) -> serde_json::Result<()> {
        while let Some((&byte, behind)) = text.split_first() {
            match self.place {
                Place::BeforeObject if byte == b'{' => (self.place, self.depth) = (Place::InObject, 1),
                Place::BeforeObject | Place::BehindObject if is_space(byte) => {}
                // Its beginning is enough to say what is wrong.
                Place::BeforeObject => return NodeDefinitions::from_json(text).map(|_| ()),
                Place::BehindObject => return serde_json::from_slice(&[b"{}", text].concat()).map(|_: IgnoredAny| ()),
                Place::Escaped => {
                    self.member.push(byte);
                    self.place = Place::InString;
                }
                Place::InString => {
                    let end = memchr2(b'"', b'\\', text).map_or(text.len(), |at| at + 1);
                    let (within, behind) = text.split_at(end);
                    self.member.extend_from_slice(within);
                    match within.last() {
                        Some(b'"') => self.place = Place::InObject,
                        Some(b'\\') => self.place = Place::Escaped,
                        _ => {}
                    }
                    text = behind;
                    continue;
                }
                Place::InObject if !is_mark(byte) => {
                    let end = text.iter().position(|byte| is_mark(*byte)).unwrap_or(text.len());
                    let (plain, behind) = text.split_at(end);
                    self.member.extend_from_slice(plain);
                    text = behind;
                    continue;
                }
                Place::InObject => match byte {
                    b',' if self.depth == 1 => self.end_member(false)?,
                    b'}' if self.depth == 1 => {
                        self.end_member(true)?;
                        self.place = Place::BehindObject;
                    }
                    _ => {
                        self.member.push(byte);
                        match byte {
                            b'"' => self.place = Place::InString,
                            b'{' | b'[' => self.depth += 1,
                            // What closes the wrong one is found when the member is read.
                            b'}' | b']' => self.depth = self.depth.saturating_sub(1).max(1),
                            _ => {}
                        }
                    }
                },
            }
            text = behind;
        }
        Ok(())
    }

    /// The definitions, when all was read.
    ///
    /// # Errors
    /// When the object is not complete.
    pub fn finish(self) -> serde_json::Result<NodeDefinitions> {
        match self.place {
            Place::BehindObject => Ok(self.definitions),
            Place::BeforeObject => NodeDefinitions::from_json(b""),
            Place::InObject | Place::InString | Place::Escaped => NodeDefinitions::from_json(&self.member),
        }
    }

    fn end_member(&mut self, is_last: bool) -> serde_json::Result<()> {
        let is_empty = self.member.iter().skip(1).all(|byte| is_space(*byte));
        if is_empty && (self.has_members || !is_last) {
            return NodeDefinitions::from_json(b"{,}").map(|_| ());
        }
        self.member.push(b'}');
        self.definitions.add(NodeDefinitions::from_json(&self.member)?);
        self.member.truncate(1);
        self.has_members = true;
        Ok(())
    }
}

/// Whether classes may begin or end at it.
const fn is_mark(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b'{' | b'}' | b'[' | b']')
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> serde_json::Result<NodeDefinitions> {
        let mut reader = NodeDefinitionReader::new();
        for piece in pieces {
            reader.push(piece.as_ref())?;
        }
        reader.finish()
    }

    /// However it is cut, it is what the whole is.
    fn is_as_the_whole(text: &[u8], size: usize) -> Result<(), TestCaseError> {
        let (whole, pieces) = (NodeDefinitions::from_json(text), read(text.chunks(size)));
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => prop_assert_eq!(whole, pieces),
            (Err(_), Err(_)) => {}
            (whole, pieces) => {
                prop_assert!(false, "{:?}: {whole:?} and {pieces:?}", String::from_utf8_lossy(text));
            }
        }
        Ok(())
    }

    const ODD: [&str; 28] = [
        "",
        " ",
        "{}",
        " \n{ \t} ",
        "{,}",
        r#"{"A": {}}"#,
        r#"{"A": {},}"#,
        r#"{,"A": {}}"#,
        r#"{"A": {},, "B": {}}"#,
        r#"{"A": {}, "B": 7 }x"#,
        r#"{"A": {}} {}"#,
        r#"{"A": {}]"#,
        r#"{"A": [}}"#,
        r#"{"A": [1, 2}, "B": {}]}"#,
        r#"{"A": ]}"#,
        r#"{"A" {}}"#,
        r#"{"A": {}"#,
        r#"{"A"#,
        r#"{"A\"#,
        r#"{"A\"}, {": {"display_name": "a \\\" } ] , b\\"}, "B": {"output": ["X"]}}"#,
        r#"{"A": {"input": {"required": {"a": ["FLOAT", {"max": Infinity, "min": -Infinity, "default": NaN}]}}}}"#,
        r#"{"A": {"display_name": "NaN"}, "A": {"display_name": "the last one counts"}}"#,
        "[]",
        "[{}]",
        "null",
        "\"text\"",
        "<html>",
        "7",
    ];

    #[test]
    fn what_is_odd_is_read_or_refused_as_in_the_whole() {
        for text in ODD {
            for size in [1, 2, 3, 7, 1000] {
                is_as_the_whole(text.as_bytes(), size).unwrap();
            }
        }
    }

    #[test]
    fn another_kind_of_json_is_told_from_what_is_none() {
        assert!(read(["[]"]).unwrap_err().is_data());
        assert!(read(["[1", ", 2"]).unwrap_err().is_data());
        assert!(read(["<html>"]).unwrap_err().is_syntax());
        assert!(read(["{\"A\": {"]).unwrap_err().is_eof());
        assert!(read(["{}", "<"]).unwrap_err().is_syntax());
    }

    #[test]
    fn no_more_than_a_class_is_held() {
        let class = format!(r#""A": {{"display_name": "{}"}}, "#, "x".repeat(1000));
        let mut reader = NodeDefinitionReader::new();
        reader.push(b"{").unwrap();
        for _ in 0..1000 {
            reader.push(class.as_bytes()).unwrap();
        }
        assert!(reader.member.capacity() < 4 * class.len(), "{}", reader.member.capacity());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_as_in_the_whole(
            text in r#"\{?([ ,:{}\[\]"\\]|"[ab,{}]?"|7|NaN|\{"input": \{\}\}|"a": \{\},?){0,12}\}?"#,
            size in 1_usize..20,
        ) {
            is_as_the_whole(text.as_bytes(), size)?;
        }

        #[test]
        fn any_definitions_are_read_as_in_the_whole(
            classes in proptest::collection::btree_map("[ab\"\\\\]{1,3}", "[a,{}\\[\\]\"\\\\]{0,5}", 0..5),
            size in 1_usize..20,
        ) {
            let classes: serde_json::Map<_, _> = classes
                .into_iter()
                .map(|(name, text)| (name, serde_json::json!({"display_name": text, "output": [text, [text]]})))
                .collect();
            is_as_the_whole(serde_json::to_string_pretty(&classes).unwrap().as_bytes(), size)?;
        }
    }
}
