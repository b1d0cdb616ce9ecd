use comfyui::{
    CarriedWorkflowReader, ComfyUi, ConvertOptions, LocalTime, Notice, Provenance, UiWorkflow, Workflow, WorkflowFile,
    convert,
};
use dify_plugin::{Dify, Error, File};
use futures_util::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::client_failure;
use crate::saved_workflow::saved_text;
use crate::servers::Servers;

/// The longest workflow that is read as text, in bytes: as much as `comfyui` parses.
const MAX_TEXT_BYTES: usize = 32 << 20;

/// Where the workflow of a call comes from.
#[derive(Debug)]
pub(crate) enum WorkflowSource {
    /// Its JSON.
    Json(String),
    /// A file that is one, or that ComfyUI made with one.
    File(File),
    /// The id of one on the server, out of its list.
    Chosen(String),
    /// What the server calls it.
    Named(String),
}

/// A workflow that can be run, and what is known of it besides.
#[derive(Debug)]
pub(crate) struct LoadedWorkflow {
    pub(crate) workflow: Workflow,
    /// What the user should hear of its conversion.
    pub(crate) notices: Vec<Notice>,
    /// What its text says of where nodes and models come from.
    pub(crate) provenance: Provenance,
    /// The parameter that it came with.
    pub(crate) parameter: &'static str,
}

/// Who is asked for what a source needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) server: &'a ComfyUi,
    /// Whose files these are, on a server that keeps users apart.
    pub(crate) user: Option<&'a str>,
    pub(crate) servers: &'a Servers,
    pub(crate) dify: &'a Dify,
}

impl WorkflowSource {
    pub(crate) fn json(text: Option<String>) -> Option<Self> {
        written(text).map(Self::Json)
    }

    pub(crate) fn chosen(id: Option<String>) -> Option<Self> {
        written(id).map(Self::Chosen)
    }

    pub(crate) fn named(name: Option<String>) -> Option<Self> {
        written(name).map(Self::Named)
    }

    /// The one that is given. `names` are all that could be.
    ///
    /// # Errors
    /// When none is, or more than one.
    pub(crate) fn only<const N: usize>(names: &str, given: [Option<Self>; N]) -> Result<Self, Error> {
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Error::parameter(format!("{names}: no workflow is given; give exactly one of them"))),
            (Some(first), Some(second)) => {
                let (first, second) = (first.parameter(), second.parameter());
                Err(Error::parameter(format!("{first} and {second} are both given; give exactly one of {names}")))
            }
        }
    }

    pub(crate) const fn parameter(&self) -> &'static str {
        match self {
            Self::Json(_) => "workflow_json",
            Self::File(_) => "workflow_file",
            Self::Chosen(_) => "saved_workflow",
            Self::Named(_) => "workflow_name",
        }
    }

    /// Reads the workflow, and makes a prompt of one in the editor's format. `seed` is what dynamic prompts are drawn
    /// from.
    ///
    /// # Errors
    /// When it cannot be had, is none, or cannot be turned into a prompt.
    pub(crate) async fn load(self, asked: Asked<'_>, seed: u64) -> Result<LoadedWorkflow, Error> {
        let parameter = self.parameter();
        let texts = match self {
            Self::Json(text) => Texts { workflow: text, beside: None },
            Self::File(file) => texts_of_file(&file, asked.dify).await?,
            Self::Chosen(name) | Self::Named(name) => {
                Texts { workflow: saved_text(&name, parameter, asked.server, asked.user).await?, beside: None }
            }
        };
        let provenance = Provenance::read(texts.beside.as_deref().unwrap_or(&texts.workflow));
        let read = WorkflowFile::detect(&texts.workflow);
        let (workflow, notices) = match read.map_err(|error| Error::parameter(format!("{parameter}: {error}")))? {
            WorkflowFile::Api(workflow) => (workflow, Vec::new()),
            WorkflowFile::Ui(workflow) => converted(&workflow, asked, parameter, seed).await?,
        };
        Ok(LoadedWorkflow { workflow, notices, provenance, parameter })
    }
}

/// What is more than white space.
fn written(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

struct Texts {
    workflow: String,
    /// The editor's format, where the other is what was run.
    beside: Option<String>,
}

async fn converted(
    workflow: &UiWorkflow,
    asked: Asked<'_>,
    parameter: &str,
    seed: u64,
) -> Result<(Workflow, Vec<Notice>), Error> {
    let options = ConvertOptions { now: now(), seed };
    let refused = |error| Error::parameter(format!("{parameter}: {error}"));
    let cache = asked.servers.definitions();
    let definitions = cache.get(asked.server).await.map_err(|error| client_failure(&error))?;
    let mut conversion = convert(workflow, &definitions, &options).map_err(refused)?;
    // The server may have been started again, with more nodes than it had.
    if !conversion.is_runnable()
        && let Ok(definitions) = cache.get_anew(asked.server, &definitions).await
    {
        conversion = convert(workflow, &definitions, &options).map_err(refused)?;
    }
    Ok((conversion.prompt, conversion.notices))
}

/// In UTC: where the user is, nobody tells.
fn now() -> LocalTime {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    LocalTime {
        year: u16::try_from(now.year()).unwrap_or_default(),
        month: small(now.month()),
        day: small(now.day()),
        hour: small(now.hour()),
        minute: small(now.minute()),
        second: small(now.second()),
    }
}

/// Reads a file for as long as its workflow is not found: of most, that is the first pieces.
async fn texts_of_file(file: &File, dify: &Dify) -> Result<Texts, Error> {
    let refused = |error: &dyn std::fmt::Display| Error::parameter(format!("workflow_file: {}: {error}", file.name()));
    let mut body = dify.open(file).await?;
    let mut text: Option<Vec<u8>> = None;
    let mut reader = CarriedWorkflowReader::new();
    let mut has_begun = false;
    while let Some(piece) = body.next().await {
        let piece = piece?;
        if !has_begun && !piece.is_empty() {
            has_begun = true;
            text = begins_as_text(&piece).then(Vec::new);
        }
        if let Some(text) = &mut text {
            if text.len() + piece.len() > MAX_TEXT_BYTES {
                let most = MAX_TEXT_BYTES >> 20;
                return Err(refused(&format!("a workflow has at most {most} MiB")));
            }
            text.extend_from_slice(&piece);
        } else if reader.push(&piece).map_err(|error| refused(&error))? {
            break;
        }
    }
    if let Some(text) = text {
        let workflow = String::from_utf8(text).map_err(|_| refused(&"it is not text in UTF-8"))?;
        return Ok(Texts { workflow, beside: None });
    }
    let carried = reader.finish().map_err(|error| refused(&error))?;
    match (carried.prompt, carried.workflow) {
        // What was run, with its seeds and texts.
        (Some(prompt), beside) => Ok(Texts { workflow: prompt, beside }),
        (None, Some(workflow)) => Ok(Texts { workflow, beside: None }),
        (None, None) => Err(refused(&"it carries no workflow")),
    }
}

/// Whether a file begins as JSON does.
fn begins_as_text(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    matches!(text.first(), Some(b'{' | b'[' | b'"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_source_is_given() {
        let text = |text: &str| Some(text.to_owned());
        let json = |written| WorkflowSource::json(text(written));
        let chosen = |written| WorkflowSource::chosen(text(written));
        let error = |given| WorkflowSource::only("a, b", given).unwrap_err().message().to_owned();
        assert_eq!(error([None, None]), "a, b: no workflow is given; give exactly one of them");
        assert_eq!(error([json(" "), chosen("")]), "a, b: no workflow is given; give exactly one of them");
        assert_eq!(
            error([json("{}"), chosen("saved:a.json")]),
            "workflow_json and saved_workflow are both given; give exactly one of a, b"
        );
        assert_eq!(WorkflowSource::only("a, b", [json("{}"), None]).unwrap().parameter(), "workflow_json");
        assert_eq!(WorkflowSource::named(text("x")).unwrap().parameter(), "workflow_name");
    }

    #[test]
    fn json_is_known_by_how_it_begins() {
        assert!(begins_as_text(b"\xef\xbb\xbf\n {"));
        assert!(begins_as_text(b"\"{}\""));
        assert!(!begins_as_text(b"\x89PNG"));
    }
}
