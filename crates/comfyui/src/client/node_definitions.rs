use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;

use super::ComfyUi;
use super::exchange::{Call, ERROR_BODY, LARGE_ANSWER, within};
use crate::{ClientError, NodeDefinitionReader, NodeDefinitions};

/// A server with many custom nodes takes its time, and looks through all its folders of models for the answer.
const ALL: Call = Call { name: "GET /object_info", deadline: Duration::from_secs(120), longest: LARGE_ANSWER };
/// Requests under way at once.
const CLASSES_AT_ONCE: usize = 8;
/// Above so many classes all of the server's are asked for: one long answer is quicker then.
const MAX_CLASSES: usize = 100;

impl ComfyUi {
    /// What the editor makes its nodes of, for all classes of the server: `GET /object_info`, megabytes where there are
    /// many custom nodes, of which at most 64 MiB are read. They are taken in as they come; what is kept is a fraction.
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
        within(ALL, async {
            let mut response = self.success(ALL, request).await?;
            let (mut reader, mut length) = (NodeDefinitionReader::new(), 0);
            let mut start = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
                length += chunk.len();
                if length > ALL.longest {
                    return Err(ClientError::TooLong { call: ALL.name, limit: ALL.longest });
                }
                let room = ERROR_BODY.saturating_sub(start.len()).min(chunk.len());
                start.extend_from_slice(chunk.get(..room).unwrap_or_default());
                if let Err(error) = reader.push(&chunk) {
                    let more = self.start_of_body(response, ERROR_BODY.saturating_sub(start.len())).await;
                    start.extend(more.unwrap_or_default());
                    return Err(self.unreadable(ALL, &start, &error));
                }
            }
            let definitions = reader.finish().map_err(|error| self.unreadable(ALL, &start, &error))?;
            Ok((definitions, length))
        })
        .await
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
        NodeDefinitions::from_json(body).map_err(|error| self.unreadable(call, body, &error))
    }
}
