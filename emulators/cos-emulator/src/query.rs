//! The query of a request: names and values, decoded, in the order they came.

use crate::{error::ServiceError, url_encoding::decode_form};

/// No request that COS knows comes near this.
const MAX_PARAMETERS: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Splits `raw` (without its question mark).
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, ServiceError> {
        let raw = raw.unwrap_or_default();
        if raw.split('&').count() > MAX_PARAMETERS {
            return Err(ServiceError::InvalidUri);
        }
        Ok(Self(
            raw.split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode_form(name), decode_form(value))
                })
                .collect(),
        ))
    }

    /// The first value of `name`; names are compared exactly.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The same, where an empty value counts as none.
    pub(crate) fn get_filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let query = Query::parse(Some("prefix=a+b%2F&acl&x=1=2&&marker=")).unwrap();
        assert_eq!(query.get("prefix"), Some("a b/"));
        assert_eq!(query.get("acl"), Some(""));
        assert_eq!(query.get("x"), Some("1=2"));
        assert_eq!(query.get("marker"), Some(""));
        assert_eq!(query.get_filled("marker"), None);
        assert!(!query.contains("Prefix"));
        assert_eq!(query.iter().count(), 4);
    }

    #[test]
    fn parameters_are_bounded() {
        assert!(Query::parse(Some(&"a=1&".repeat(99))).is_ok());
        assert!(Query::parse(Some(&"a=1&".repeat(100))).is_err());
    }
}
