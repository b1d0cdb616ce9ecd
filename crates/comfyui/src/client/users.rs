use indexmap::IndexMap;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;

use super::ComfyUi;
use super::exchange::Call;
use crate::near::near_names;
use crate::{ClientError, LibraryError};

/// The most names that an error lists.
const MAX_NAMED: usize = 10;

/// Whose files a server keeps (`app/user_manager.py`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Users {
    /// Everybody's together: the default.
    Together,
    /// Each one's apart: the server was started with `--multi-user`. Ids and names, in the server's order.
    Apart(Vec<User>),
}

/// One user of a server that keeps them apart. That keeps nothing secret: whoever reaches the server may name anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Such as `ann_a6119293-bfb9-4bc9-aa75-5745cc2b168e`: what the server is told.
    pub id: String,
    /// The name that was entered.
    pub name: String,
}

#[derive(Deserialize)]
struct RawUsers {
    /// Only with `--multi-user`.
    #[serde(default)]
    users: Option<IndexMap<String, String>>,
}

impl ComfyUi {
    /// Whose files the server keeps: `GET /users`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn users(&self) -> Result<Users, ClientError> {
        let raw: RawUsers = self.json(Call::small("GET /users"), self.request(Method::GET, &["users"])?).await?;
        let user = |(id, name)| User { id, name };
        Ok(raw.users.map_or(Users::Together, |users| Users::Apart(users.into_iter().map(user).collect())))
    }
}

impl Users {
    /// The one who is meant by a name or an id; the only one, if none is named. On a server that keeps all files together
    /// names are of no account, and nobody is who is meant.
    ///
    /// # Errors
    /// [`LibraryError`] when that is nobody, or not one alone.
    pub fn find(&self, wanted: Option<&str>) -> Result<Option<&User>, LibraryError> {
        let Self::Apart(users) = self else { return Ok(None) };
        let Some(wanted) = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()) else {
            return match &users[..] {
                [] => Err(LibraryError::NoUsers),
                [only] => Ok(Some(only)),
                several => Err(LibraryError::UserNeeded {
                    users: several.iter().take(MAX_NAMED).map(|user| user.name.clone()).collect(),
                    more: several.len().saturating_sub(MAX_NAMED),
                }),
            };
        };
        if let Some(user) = users.iter().find(|user| user.id == wanted) {
            return Ok(Some(user));
        }
        let mut named = users.iter().filter(|user| user.name == wanted);
        match (named.next(), named.next()) {
            (Some(user), None) => Ok(Some(user)),
            (Some(_), Some(_)) => Err(LibraryError::SeveralUsers { user: wanted.to_owned() }),
            (None, _) => {
                let near = near_names(wanted, users.iter().map(|user| user.name.as_str()));
                let near = near.into_iter().map(str::to_owned).collect();
                Err(LibraryError::NoSuchUser { user: wanted.to_owned(), near })
            }
        }
    }
}

impl User {
    /// The value of the header `Comfy-User`.
    pub(super) fn header(&self) -> Result<HeaderValue, LibraryError> {
        let unknown = |_| LibraryError::NoSuchUser { user: self.id.clone(), near: Vec::new() };
        HeaderValue::from_str(&self.id).map_err(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(names: &[(&str, &str)]) -> Users {
        let user = |(id, name): &(&str, &str)| User { id: (*id).to_owned(), name: (*name).to_owned() };
        Users::Apart(names.iter().map(user).collect())
    }

    #[test]
    fn users_are_found_by_name_and_by_id() {
        let users = apart(&[("ann_1", "Ann"), ("bob_2", "Bob"), ("bob_3", "Bob")]);
        let id = |wanted| users.find(Some(wanted)).unwrap().unwrap().id.as_str();
        assert_eq!((id(" Ann "), id("bob_3")), ("ann_1", "bob_3"));
        assert!(matches!(users.find(Some("Bob")), Err(LibraryError::SeveralUsers { .. })));
        let error = users.find(Some("Anne")).unwrap_err();
        assert_eq!(error.to_string(), "the server has no user \"Anne\"; did you mean Ann?");
        let error = users.find(None).unwrap_err().to_string();
        assert!(error.ends_with("name one of Ann, Bob, Bob"), "{error}");
    }

    #[test]
    fn nobody_needs_to_be_named_where_there_is_no_choice() {
        assert_eq!(Users::Together.find(Some("anyone")).unwrap(), None);
        assert_eq!(apart(&[("ann_1", "Ann")]).find(Some(" ")).unwrap().unwrap().id, "ann_1");
        assert!(matches!(apart(&[]).find(None), Err(LibraryError::NoUsers)));
    }
}
