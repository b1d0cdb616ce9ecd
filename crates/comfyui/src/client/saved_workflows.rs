use std::cmp::Reverse;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;

use super::ComfyUi;
use super::exchange::{Call, within};
use super::users::Users;
use crate::near::near_names;
use crate::{ClientError, LibraryError};

/// Where the editor keeps workflows among a user's files.
const FOLDER: &str = "workflows";
/// The most workflows that are told of.
const MAX_WORKFLOWS: usize = 2000;
/// The longest workflow, in bytes.
const MAX_WORKFLOW_BYTES: usize = 16 << 20;
/// Names whose user a server is told in.
const COMFY_USER: HeaderName = HeaderName::from_static("comfy-user");
/// The most paths that an error lists.
const MAX_NAMED: usize = 5;
/// Times are in seconds before ComfyUI 0.4 or so, and in milliseconds since: in seconds, this is the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// The workflows that a user saved in the editor, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedWorkflows {
    /// At most 2000.
    pub workflows: Vec<SavedWorkflow>,
    /// How many older ones were left out.
    pub left_out: usize,
}

/// A workflow that was saved in the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedWorkflow {
    /// Below the folder of workflows, with `/` between folders: `portraits/oil.json`.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was saved, in seconds since 1970.
    pub modified: Option<u64>,
}

/// The files of one user, or of everybody where they are not kept apart.
#[derive(Clone, Debug)]
pub struct UserData {
    server: ComfyUi,
    user: Option<HeaderValue>,
}

#[derive(Deserialize)]
struct RawFile {
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    modified: Option<f64>,
}

impl ComfyUi {
    /// The files of a user, by name or id, where the server keeps several users apart; otherwise no name is needed and
    /// none counts.
    ///
    /// # Errors
    /// [`LibraryError`] when the user is not known, or has to be named.
    pub async fn user_data(&self, user: Option<&str>) -> Result<UserData, LibraryError> {
        let users = match self.users().await {
            // A gateway may let through only what it knows: without the route there is nobody to choose from.
            Err(ClientError::Status { status: 404 | 405, .. }) => Users::Together,
            other => other?,
        };
        let user = users.find(user)?.map(|user| user.header()).transpose()?;
        Ok(UserData { server: self.clone(), user })
    }
}

impl UserData {
    /// The workflows: `GET /userdata?dir=workflows`, folders and all. None where nobody has saved one yet.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub async fn workflows(&self) -> Result<SavedWorkflows, LibraryError> {
        let mut url = self.server.address().http(&["userdata"]);
        url.query_pairs_mut()
            .append_pair("dir", FOLDER)
            .append_pair("recurse", "true")
            .append_pair("full_info", "true")
            .append_pair("split", "false");
        let request = self.as_user(self.server.request_to(Method::GET, url)?);
        let files: Vec<RawFile> = match self.server.json(Call::small("GET /userdata"), request).await {
            // The folder is made with the first workflow.
            Err(ClientError::Status { status: 404, excerpt, .. }) if excerpt.contains("Directory not found") => {
                Vec::new()
            }
            other => other?,
        };
        Ok(SavedWorkflows::from(files))
    }

    /// The text of a workflow: `GET /userdata/{file}`, of at most 16 MiB. The path is one of
    /// [`workflows`](Self::workflows).
    ///
    /// # Errors
    /// [`LibraryError::NoSuchWorkflow`] when there is none of this path, other [`LibraryError`]s.
    pub async fn workflow(&self, path: &str) -> Result<String, LibraryError> {
        let gone = || LibraryError::NoSuchWorkflow { name: path.to_owned(), near: Vec::new() };
        let call = Call { longest: MAX_WORKFLOW_BYTES, ..Call::small("GET /userdata") };
        let request = self.server.request(Method::GET, &["userdata", &as_segment(path)])?;
        let request = self.as_user(request);
        let exchange = async {
            let response = self.server.success(call, request).await?;
            self.server.body(call, response).await
        };
        let body = within(call, exchange).await.map_err(|error| match error {
            ClientError::Status { status: 404, .. } => gone(),
            // Out of the user's folder: such a path cannot have been listed.
            ClientError::AccessRefused { status: 403, excerpt, .. } if excerpt.is_empty() => gone(),
            other => other.into(),
        })?;
        String::from_utf8(body).map_err(|_| LibraryError::NotText { name: path.to_owned() })
    }

    fn as_user(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.user {
            Some(user) => request.header(COMFY_USER, user.clone()),
            None => request,
        }
    }
}

/// The server decodes the one segment, and decodes it once more where a `%` is left (`get_request_user_filepath` of
/// `app/user_manager.py`): a `%` in a name has to be written so that it outlives both. Braces have to outlive the first: its
/// router (aiohttp) takes no segment that has them.
fn as_segment(path: &str) -> String {
    format!("{FOLDER}/{path}").replace('%', "%25").replace('{', "%7B").replace('}', "%7D")
}

impl SavedWorkflows {
    /// The workflow that is meant: by its path, or by its name alone if no other folder has the same. `.json` needs not be
    /// written, and nor need the case be right where that leaves no choice.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchWorkflow`] with near ones, [`LibraryError::SeveralWorkflows`].
    pub fn find(&self, name: &str) -> Result<&SavedWorkflow, LibraryError> {
        let wanted = name.trim().trim_start_matches('/');
        let paths = || self.workflows.iter().map(|workflow| workflow.path.as_str());
        let rules: [&dyn Fn(&str) -> bool; 5] = [
            &|path| path == wanted,
            &|path| without_extension(path) == wanted,
            &|path| path.eq_ignore_ascii_case(wanted) || without_extension(path).eq_ignore_ascii_case(wanted),
            &|path| file_name(path) == wanted || without_extension(file_name(path)) == wanted,
            // As it is called among all of a user's files.
            &|path| wanted.strip_prefix("workflows/").is_some_and(|rest| path == rest),
        ];
        for rule in rules {
            let mut fitting = self.workflows.iter().filter(|workflow| rule(&workflow.path));
            match (fitting.next(), fitting.next()) {
                (None, _) => {}
                (Some(workflow), None) => return Ok(workflow),
                (Some(_), Some(_)) => {
                    let paths = paths().filter(|path| rule(path)).take(MAX_NAMED).map(str::to_owned).collect();
                    return Err(LibraryError::SeveralWorkflows { name: wanted.to_owned(), paths });
                }
            }
        }
        let near = near_names(wanted, paths()).into_iter().map(str::to_owned).collect();
        Err(LibraryError::NoSuchWorkflow { name: wanted.to_owned(), near })
    }
}

fn without_extension(path: &str) -> &str {
    let end = path.len().saturating_sub(".json".len());
    match path.get(end..) {
        Some(extension) if extension.eq_ignore_ascii_case(".json") => path.get(..end).unwrap_or(path),
        _ => path,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl From<Vec<RawFile>> for SavedWorkflows {
    fn from(files: Vec<RawFile>) -> Self {
        let read =
            |file: RawFile| SavedWorkflow { modified: file.modified.map(seconds), path: file.path, size: file.size };
        let is_json = |workflow: &SavedWorkflow| without_extension(&workflow.path).len() < workflow.path.len();
        let mut workflows: Vec<SavedWorkflow> = files.into_iter().map(read).filter(is_json).collect();
        workflows.sort_by(|a, b| (Reverse(a.modified), &a.path).cmp(&(Reverse(b.modified), &b.path)));
        let left_out = workflows.len().saturating_sub(MAX_WORKFLOWS);
        workflows.truncate(MAX_WORKFLOWS);
        Self { workflows, left_out }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time beyond both ends is none")]
fn seconds(modified: f64) -> u64 {
    if modified >= MILLISECONDS_FROM { (modified / 1000.0) as u64 } else { modified as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(paths: &[&str]) -> SavedWorkflows {
        let file = |(age, path): (usize, &&str)| RawFile {
            path: (*path).to_owned(),
            size: 2,
            modified: Some(1_700_000_000.0 - age as f64),
        };
        SavedWorkflows::from(paths.iter().enumerate().map(file).collect::<Vec<_>>())
    }

    #[test]
    fn a_workflow_is_found_by_as_much_of_its_path_as_is_needed() {
        let saved = saved(&["a/oil.json", "b/oil.json", "Portrait.json", "a/notes.txt", "b/100% wool.json"]);
        let path = |name| saved.find(name).map(|workflow| workflow.path.as_str());
        assert_eq!(path("a/oil.json").unwrap(), "a/oil.json");
        assert_eq!(path("/b/oil").unwrap(), "b/oil.json");
        assert_eq!(path("workflows/b/oil.json").unwrap(), "b/oil.json");
        assert_eq!(path("portrait").unwrap(), "Portrait.json");
        assert_eq!(path("100% wool").unwrap(), "b/100% wool.json");
        assert_eq!(
            path("oil").unwrap_err().to_string(),
            "there are several saved workflows \"oil\": a/oil.json, b/oil.json"
        );
        let unknown = path("Portrat").unwrap_err().to_string();
        assert_eq!(unknown, "the server has no saved workflow \"Portrat\"; did you mean Portrait.json?");
        assert!(path("notes.txt").is_err() && path("").is_err());
    }

    #[test]
    fn the_newest_come_first_and_there_is_an_end_to_them() {
        let names: Vec<String> = (0..2100).map(|number| format!("{number}.json")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let saved = saved(&names);
        assert_eq!((saved.workflows[0].path.as_str(), saved.workflows.len(), saved.left_out), ("0.json", 2000, 100));
    }

    #[test]
    fn times_of_older_and_newer_servers_are_the_same() {
        assert_eq!(seconds(1_795_290_162.163_354), 1_795_290_162);
        assert_eq!(seconds(1_795_290_162_167.0), 1_795_290_162);
    }

    #[test]
    fn a_percent_sign_is_written_for_both_decodings() {
        assert_eq!(as_segment("a/é b.json"), "workflows/a/é b.json");
        assert_eq!(as_segment("100%25.json"), "workflows/100%2525.json");
        assert_eq!(as_segment("{a}.json"), "workflows/%7Ba%7D.json");
    }
}
