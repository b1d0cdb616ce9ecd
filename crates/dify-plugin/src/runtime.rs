//! Calls: from a line to a task, and from its outcome to the end of the call.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dify_plugin_protocol::limits::CALLS_IN_FLIGHT;
use dify_plugin_protocol::{
    BackwardsResponse, DaemonEvent, DaemonLine, PluginLine, Request, RequestError, ValidateCredentials, Validation,
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::datasource::DynOnlineDrive;
use crate::error::Surface;
use crate::session::{CallContext, Session, Shared};
use crate::tool::{DynTool, DynValidator, RawCall};
use crate::{Dify, Error, Plugin, Reply};

/// What a transport hands over.
#[derive(Debug)]
pub(crate) enum Input {
    /// A line without its newline.
    Line(Vec<u8>),
    /// A line of more bytes than are read; they are gone.
    TooLong,
}

/// Serves calls until the input ends, and then until the last of them is answered. Dropped before, it drops the `calls`
/// at work.
pub(crate) async fn serve(plugin: Arc<Plugin>, mut input: mpsc::Receiver<Input>, shared: Shared, calls: &TaskTracker) {
    let abandoned = CancellationToken::new();
    let _abandon = abandoned.clone().drop_guard();
    let places = Semaphore::new(CALLS_IN_FLIGHT);
    let runtime = Arc::new(Runtime { plugin, shared: Arc::new(shared), places, abandoned });
    while let Some(input) = input.recv().await {
        match input {
            Input::Line(line) if line.trim_ascii().is_empty() => {}
            Input::Line(line) => runtime.take(&line, calls).await,
            Input::TooLong => runtime.complain("a line is too long").await,
        }
    }
    // Those who wait for Dify would wait in vain; all others finish.
    runtime.shared.pending.disconnect();
    calls.close();
    calls.wait().await;
}

struct Runtime {
    plugin: Arc<Plugin>,
    shared: Arc<Shared>,
    places: Semaphore,
    abandoned: CancellationToken,
}

impl Runtime {
    async fn take(self: &Arc<Self>, line: &[u8], calls: &TaskTracker) {
        let mut line: DaemonLine = match serde_json::from_slice(line) {
            Ok(line) => line,
            Err(error) => return self.complain(&format!("not a line of Dify's protocol: {error}")).await,
        };
        let data = line.data.take();
        match line.event {
            DaemonEvent::Request => {
                let runtime = Arc::clone(self);
                let data = data.map_or_else(|| "null".to_owned(), |data| data.get().to_owned());
                let abandoned = self.abandoned.clone();
                let call = async move { runtime.call(CallContext::of(line), data).await };
                calls.spawn(abandoned.run_until_cancelled_owned(call));
            }
            DaemonEvent::BackwardsResponse => {
                match serde_json::from_str::<BackwardsResponse>(data.as_ref().map_or("null", |data| data.get())) {
                    Ok(response) => self.shared.pending.answer(response),
                    Err(error) => self.complain(&format!("not an answer to a call back: {error}")).await,
                }
            }
        }
    }

    /// Tells the daemon's log of a line that belongs to no call.
    async fn complain(&self, about: &str) {
        let error: PluginLine = PluginLine::Error { session_id: None, data: json!({"error": about}) };
        let mut line = serde_json::to_vec(&error).unwrap_or_default();
        line.push(b'\n');
        // When Dify is gone the process ends anyway.
        let _ = self.shared.outbox.send(line).await;
    }

    async fn call(&self, context: CallContext, data: String) {
        let Ok(_place) = self.places.acquire().await else { return };
        let request = decode(&data);
        drop(data);
        let surface = request.as_ref().map_or(Surface::Tool, surface_of);
        let session = Arc::new(Session::new(context.session_id.clone(), surface, Arc::clone(&self.shared)));
        let outcome = match request {
            Ok(request) => {
                let work = AssertUnwindSafe(self.answer(request, context, Arc::clone(&session))).catch_unwind();
                work.await.unwrap_or_else(|_| {
                    Err(Error::named("InternalError", "the plugin failed unexpectedly; its log says where"))
                })
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
}

impl Runtime {
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
