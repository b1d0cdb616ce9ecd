use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;

use super::ComfyUi;
use super::exchange::{Call, LARGE_ANSWER, within};
use crate::error::one_line;
use crate::{ClientError, NodeDefinitions};

/// A server with many custom nodes takes its time, and looks through all its folders of models for the answer.
const ALL: Call = Call { name: "GET /object_info", deadline: Duration::from_secs(120), longest: LARGE_ANSWER };
/// Requests under way at once.
const CLASSES_AT_ONCE: usize = 8;
/// Above so many classes all of the server's are asked for: one long answer is quicker then.
const MAX_CLASSES: usize = 100;

impl ComfyUi {
    /// What the editor makes its nodes of, for all classes of the server: `GET /object_info`, megabytes where there are
    /// many custom nodes, of which at most 64 MiB are read. What is kept is a fraction of that.
    ///
    /// ComfyUI sends no tag with it, and compresses it only when started with `--enable-compress-response-body`: nothing
    /// tells in advance that it is still the same. [`NodeDefinitionCache`](crate::NodeDefinitionCache) keeps it for a
    /// while.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn node_definitions(&self) -> Result<NodeDefinitions, ClientError> {
        Ok(self.node_definitions_and_length().await?.0)
    }

    /// The definitions, and how many bytes they were.
    pub(super) async fn node_definitions_and_length(&self) -> Result<(NodeDefinitions, usize), ClientError> {
        let request = self.request(Method::GET, &["object_info"])?;
        let body = within(ALL, async {
            let response = self.success(ALL, request).await?;
            self.body(ALL, response).await
        })
        .await?;
        Ok((self.definitions(ALL, &body)?, body.len()))
    }

    /// The same for these classes alone, each asked for by itself; for all of the server's, if these are many. Classes
    /// that it does not have are left out.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn node_definitions_of(&self, class_types: &[&str]) -> Result<NodeDefinitions, ClientError> {
        if class_types.len() > MAX_CLASSES {
            return self.node_definitions().await;
        }
        let call = Call::large("GET /object_info");
        let class_types: Vec<String> = class_types.iter().map(|name| (*name).to_owned()).collect();
        let asked = stream::iter(class_types).map(|class_type| async move {
            let request = self.request(Method::GET, &["object_info", &class_type])?;
            let body = within(call, async {
                let response = self.success(call, request).await?;
                self.body(call, response).await
            });
            self.definitions(call, &body.await?)
        });
        let add = async |mut all: NodeDefinitions, one| {
            all.add(one);
            Ok(all)
        };
        asked.buffer_unordered(CLASSES_AT_ONCE).try_fold(NodeDefinitions::default(), add).await
    }

    fn definitions(&self, call: Call, body: &[u8]) -> Result<NodeDefinitions, ClientError> {
        NodeDefinitions::from_json(body).map_err(|error| {
            if error.is_data() {
                let reason = self.redact(one_line(&error.to_string(), 200));
                return ClientError::UnexpectedShape { call: call.name, reason };
            }
            self.not_comfyui(call, body)
        })
    }
}
