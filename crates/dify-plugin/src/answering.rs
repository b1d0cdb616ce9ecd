//! One call: from the request to the end of the answer, whatever way it came.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dify_plugin_protocol::{Request, RequestError, ValidateCredentials, Validation};
use futures_util::FutureExt;
use serde_json::Value;

use crate::datasource::DynOnlineDrive;
use crate::error::Surface;
use crate::session::{CallContext, Session, Shared};
use crate::tool::{DynTool, DynValidator, RawCall};
use crate::way::Way;
use crate::{Dify, Error, Plugin, Reply};

/// Answers calls with what the plugin offers.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    plugin: Arc<Plugin>,
    shared: Arc<Shared>,
}

impl Answering {
    pub(crate) const fn new(plugin: Arc<Plugin>, shared: Arc<Shared>) -> Self {
        Self { plugin, shared }
    }

    /// Answers the call whose request is `data`, and ends it. A panic of the plugin is an error of the call.
    pub(crate) async fn call(&self, context: CallContext, data: String, way: Way) {
        let request = decode(&data);
        drop(data);
        let surface = request.as_ref().map_or(Surface::Tool, surface_of);
        let session = Arc::new(Session::new(&context, surface, Arc::clone(&self.shared), way));
        let outcome = match request {
            Ok(request) => {
                let work = AssertUnwindSafe(self.answer(request, context, Arc::clone(&session))).catch_unwind();
                tokio::select! {
                    biased;
                    outcome = work => outcome.unwrap_or_else(|_| {
                        Err(Error::named("InternalError", "the plugin failed unexpectedly; its log says where"))
                    }),
                    error = session.way.given_up() => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        // When Dify is gone the process ends anyway.
        let _ = session.end(outcome).await;
    }

    async fn answer(&self, request: Request, mut context: CallContext, session: Arc<Session>) -> Result<(), Error> {
        context.user_id = request.user_id().to_owned();
        let dify = Dify::new(Arc::clone(&session));
        let reply = Reply::new(Arc::clone(&session));
        match request {
            Request::ValidateToolCredentials(request) => {
                let provider = self.plugin.tool_providers.get(request.provider.as_str());
                let validator = provider.map(|provider| &provider.validator);
                validate(&session, validator, request).await
            }
            Request::ValidateDatasourceCredentials(request) => {
                let provider = self.plugin.drive_providers.get(request.provider.as_str());
                let validator = provider.map(|provider| &provider.validator);
                validate(&session, validator, request).await
            }
            Request::InvokeTool(request) => {
                let tool = self.tool(&request.provider, &request.tool)?;
                let call = RawCall { credentials: request.credentials, context, dify };
                tool.invoke(call, request.tool_parameters, reply).await
            }
            Request::FetchParameterOptions(request) => {
                let tool = self.tool(&request.provider, &request.provider_action)?;
                let options = tool.parameter_options(&request.parameter, request.credentials).await?;
                session.stream(&options).await
            }
            Request::BrowseFiles(request) => {
                let drive = self.drive(&request.provider, &request.datasource)?;
                let call = RawCall { credentials: request.credentials, context, dify };
                let response = drive.browse_files(call, request.request).await?;
                session.stream(&response).await
            }
            Request::DownloadFile(request) => {
                let drive = self.drive(&request.provider, &request.datasource)?;
                let call = RawCall { credentials: request.credentials, context, dify };
                drive.download_file(call, request.request, reply).await
            }
            _ => Err(Error::named("NotImplementedError", "this plugin cannot do that")),
        }
    }

    fn tool(&self, provider: &str, name: &str) -> Result<&Arc<dyn DynTool>, Error> {
        let tools = self.plugin.tool_providers.get(provider).map(|provider| &provider.tools);
        let tools = tools.ok_or_else(|| unknown_provider(provider))?;
        tools.get(name).ok_or_else(|| unknown("tool", name, provider))
    }

    fn drive(&self, provider: &str, name: &str) -> Result<&Arc<dyn DynOnlineDrive>, Error> {
        let drives = self.plugin.drive_providers.get(provider).map(|provider| &provider.drives);
        let drives = drives.ok_or_else(|| unknown_provider(provider))?;
        drives.get(name).ok_or_else(|| unknown("datasource", name, provider))
    }
}

fn surface_of(request: &Request) -> Surface {
    match request {
        Request::ValidateDatasourceCredentials(_) | Request::BrowseFiles(_) | Request::DownloadFile(_) => {
            Surface::Datasource
        }
        _ => Surface::Tool,
    }
}

fn decode(data: &str) -> Result<Request, Error> {
    Request::decode(data).map_err(|error| {
        let error_type = match error {
            RequestError::Unknown { .. } => "NotImplementedError",
            _ => "ValidationError",
        };
        Error::named(error_type, error.to_string())
    })
}

async fn validate(
    session: &Session,
    validator: Option<&Arc<dyn DynValidator>>,
    request: ValidateCredentials,
) -> Result<(), Error> {
    let validator = validator.ok_or_else(|| unknown_provider(&request.provider))?;
    validator.validate_credentials(request.credentials).await?;
    session.stream(&Validation { result: true }).await
}

fn unknown_provider(name: &str) -> Error {
    Error::named("ValueError", format!("this plugin has no provider {}", Value::from(name)))
}

fn unknown(kind: &str, name: &str, provider: &str) -> Error {
    Error::named("ValueError", format!("the provider {} has no {kind} {}", Value::from(provider), Value::from(name)))
}
