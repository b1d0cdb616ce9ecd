use granit_parser::{Event, Parser};

/// The line, counted from 1, where a YAML file says what is at `place`: keys and, of lists, the `name` or `value` of an
/// element, joined by dots, as in `parameters.tone.label`. Of a place that is not there, that of the nearest around it.
/// `None` when the file is no YAML.
#[must_use]
pub fn line_of(yaml: &str, place: &str) -> Option<usize> {
    let root = read(yaml)?;
    let (mut found, mut place) = (&root, place);
    while let Some((child, rest)) = found.child(place) {
        (found, place) = (child, rest);
    }
    Some(found.line)
}

struct Node {
    line: usize,
    content: Content,
}

enum Content {
    Scalar(String),
    Sequence(Vec<Node>),
    /// Keys and values; the last key has no value while it is being read.
    Mapping(Vec<(Node, Option<Node>)>),
}

impl Node {
    /// The child that the place begins with, and the rest of the place. A name may itself have dots in it.
    fn child<'p>(&self, place: &'p str) -> Option<(&Self, &'p str)> {
        let rest = |name: &str| {
            let rest = place.strip_prefix(name).filter(|_| !name.is_empty())?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
        };
        match &self.content {
            Content::Scalar(_) => None,
            Content::Mapping(entries) => entries.iter().find_map(|(key, value)| {
                let rest = rest(key.scalar()?)?;
                Some((value.as_ref().filter(|_| !rest.is_empty()).unwrap_or(key), rest))
            }),
            Content::Sequence(elements) => {
                elements.iter().find_map(|element| Some((element, element.names().find_map(rest)?)))
            }
        }
    }

    fn scalar(&self) -> Option<&str> {
        if let Content::Scalar(text) = &self.content { Some(text) } else { None }
    }

    /// What an element of a list is known by.
    fn names(&self) -> impl Iterator<Item = &str> {
        let entries = if let Content::Mapping(entries) = &self.content { entries.as_slice() } else { &[] };
        let names = entries.iter().filter(|(key, _)| matches!(key.scalar(), Some("name" | "value")));
        names.filter_map(|(_, value)| value.as_ref()?.scalar())
    }

    /// Takes the next node within this one.
    fn take(&mut self, node: Self) {
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::Sequence(elements) => elements.push(node),
            Content::Mapping(entries) => match entries.last_mut() {
                Some((_, value @ None)) => *value = Some(node),
                _ => entries.push((node, None)),
            },
        }
    }
}

fn read(yaml: &str) -> Option<Node> {
    let mut open: Vec<Node> = Vec::new();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.ok()?;
        let line = span.start.line();
        let node = match event {
            Event::Scalar(text, ..) => Node { line, content: Content::Scalar(text.into_owned()) },
            Event::Alias(_) => Node { line, content: Content::Scalar(String::new()) },
            Event::SequenceStart(..) => {
                open.push(Node { line, content: Content::Sequence(Vec::new()) });
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Node { line, content: Content::Mapping(Vec::new()) });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop()?,
            _ => continue,
        };
        match open.last_mut() {
            Some(around) => around.take(node),
            None => return Some(node),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "\
# A comment.
identity:
  label:
    en_US: Tone
parameters:
  - label: {en_US: a}
    name: size
  - name: tone
    options:
      - value: a.b
        label:
          en_US: Dry
";

    #[test]
    fn places_are_found_by_keys_and_by_names() {
        for (place, line) in [
            ("identity.label", 3),
            ("identity.label.en_US", 4),
            ("parameters.size", 6),
            ("parameters.size.label", 6),
            ("parameters.tone", 8),
            ("parameters.tone.options.a.b.label", 11),
        ] {
            assert_eq!(line_of(YAML, place), Some(line), "{place}");
        }
    }

    #[test]
    fn of_what_is_not_there_the_nearest_around_it() {
        assert_eq!(line_of(YAML, "parameters.tone.human_description"), Some(8));
        assert_eq!(line_of(YAML, "identity.author"), Some(3));
        assert_eq!(line_of(YAML, "nothing"), Some(2));
    }

    #[test]
    fn what_is_no_yaml_has_no_lines() {
        assert_eq!(line_of("", "a"), None);
        assert_eq!(line_of("a: [", "a"), None);
        assert_eq!(line_of(&"[".repeat(100_000), "a"), None);
    }
}
