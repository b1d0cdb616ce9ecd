use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{I18nText, ParameterOption};

/// Something that users fill in once for a provider (daemon, `config.go`: `ProviderConfig`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The key under which the plugin is given the value.
    #[serde(default)]
    pub name: String,
    /// What kind of value it is.
    pub r#type: CredentialType,
    /// What may be chosen, for selectors.
    pub scope: Option<String>,
    /// Whether it has to be filled in.
    #[serde(default)]
    pub required: bool,
    /// What it is when it is not filled in.
    pub default: Option<Value>,
    /// Choices of a select.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ParameterOption>,
    /// Whether several may be chosen.
    #[serde(default)]
    pub multiple: bool,
    /// What users see as its name.
    pub label: I18nText,
    /// A word of advice.
    pub help: Option<I18nText>,
    /// Where the advice leads.
    pub url: Option<String>,
    /// What stands in the empty field.
    pub placeholder: Option<I18nText>,
}

/// Kinds of [`Credential`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialType {
    /// A text that Dify stores encrypted and shows masked; the only such kind.
    SecretInput,
    /// A text.
    TextInput,
    /// One of a few texts.
    Select,
    /// Yes or no.
    Boolean,
    /// An app.
    AppSelector,
    /// A model.
    ModelSelector,
    /// Tools.
    #[serde(rename = "array[tools]")]
    Tools,
    /// Anything.
    Any,
}

/// What an OAuth flow needs and what it gives.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthSchema {
    /// What an administrator fills in.
    #[serde(deserialize_with = "credentials")]
    pub client_schema: Vec<Credential>,
    /// What the flow gives.
    #[serde(deserialize_with = "credentials")]
    pub credentials_schema: Vec<Credential>,
}

/// Credentials as a list, as a map from name to the rest, or as nothing at all.
pub(crate) fn credentials<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Credential>, D::Error> {
    struct ListOrMap;

    impl<'de> Visitor<'de> for ListOrMap {
        type Value = Vec<Credential>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list or a map of credentials")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut credentials = Vec::new();
            while let Some(credential) = list.next_element::<Credential>()? {
                if credential.name.is_empty() {
                    return Err(A::Error::missing_field("name"));
                }
                credentials.push(credential);
            }
            Ok(credentials)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut credentials = Vec::new();
            while let Some((name, credential)) = map.next_entry::<String, Credential>()? {
                credentials.push(Credential { name, ..credential });
            }
            Ok(credentials)
        }
    }

    deserializer.deserialize_any(ListOrMap)
}
