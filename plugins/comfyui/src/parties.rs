use std::time::Duration;

use comfyui::{ComfyUi, Preflight, Provenance, Workflow, preflight};
use dify_plugin::{Dify, Error, Reply};
use tokio::time::timeout;

use crate::call_time::CallTime;
use crate::credentials::Credentials;
use crate::declarations::Known;
use crate::failure::client_failure;
use crate::servers::Servers;
use crate::workflow_source::Asked;

/// How long declarations may be waited for that only help.
const FOR_DECLARATIONS: Duration = Duration::from_secs(5);

/// Who takes part in a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) servers: &'a Servers,
    pub(crate) server: &'a ComfyUi,
    pub(crate) dify: &'a Dify,
    pub(crate) reply: &'a Reply,
    pub(crate) time: CallTime,
}

impl Parties<'_> {
    pub(crate) fn asked(&self) -> Asked<'_> {
        let user = self.credentials.comfyui_user.as_deref();
        Asked { server: self.server, user, servers: self.servers, dify: self.dify }
    }

    /// What the server declares of classes, or `None` if that only helps and cannot be had.
    pub(crate) async fn declared(self, classes: &[&str], is_needed: bool, anew: bool) -> Result<Option<Known>, Error> {
        if classes.is_empty() {
            return Ok(Some(Known { is_fresh: true, ..Known::default() }));
        }
        let asked = self.servers.declarations().get(self.server, self.credentials, classes, anew);
        if is_needed {
            return asked.await.map(Some).map_err(|error| client_failure(&error));
        }
        match timeout(FOR_DECLARATIONS, asked).await {
            Ok(Ok(known)) => Ok(Some(known)),
            Ok(Err(error)) => {
                tracing::info!(%error, "the workflow is not checked before it is submitted");
                Ok(None)
            }
            Err(_) => {
                tracing::info!(
                    "the workflow is not checked before it is submitted: the server is slow to describe nodes"
                );
                Ok(None)
            }
        }
    }

    /// All that the server declares of a workflow's classes, just asked for, and what is wrong with it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn examined(
        self,
        workflow: &Workflow,
        provenance: &Provenance,
    ) -> Result<(Known, Preflight), Error> {
        let known = self.declared(&class_types(workflow), true, true).await?.unwrap_or_default();
        let replaced = self.replaced(workflow, &known).await;
        let found = preflight(workflow, &known.classes, &replaced, provenance);
        Ok((known, found))
    }

    /// Of classes that the server does not have, those that it replaces by others.
    pub(crate) async fn replaced(self, workflow: &Workflow, known: &Known) -> Vec<String> {
        let is_missing = workflow.nodes().values().any(|node| known.classes.get(&node.class_type).is_none());
        if !is_missing {
            return Vec::new();
        }
        match timeout(FOR_DECLARATIONS, self.server.replaced_classes()).await {
            Ok(Ok(replaced)) => replaced,
            // It replaces all that it can, for what this tells.
            _ => class_types(workflow).into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The classes of a workflow, each once.
pub(crate) fn class_types(workflow: &Workflow) -> Vec<&str> {
    let mut classes: Vec<&str> = workflow.nodes().values().map(|node| node.class_type.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}
