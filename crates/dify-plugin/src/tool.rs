use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dify_plugin_protocol::{ParameterOption, ParameterOptions};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::parameters::{decode_credentials, decode_parameters};
use crate::session::CallContext;
use crate::{Call, Dify, Error, Reply};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Call`] of the tool `T`.
pub type ToolCall<T> = Call<<T as Tool>::Credentials, <T as Tool>::Parameters>;

/// A tool: something that an agent or a workflow can do.
pub trait Tool: Send + Sync + 'static {
    /// The provider's credentials; secrets in `secrecy::SecretString`.
    type Credentials: DeserializeOwned + Send;
    /// The parameters that the tool's YAML file declares.
    type Parameters: DeserializeOwned + Send;

    /// Does the work, once for each call, many at a time. What goes out through `reply` reaches Dify at once; returning
    /// ends the call. Dify waits for at most 600 s and tells nobody when it has stopped waiting.
    fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> impl Future<Output = Result<(), Error>> + Send
    where
        Self: Sized;

    /// The choices of a parameter of type `dynamic-select`. The default says that there are none.
    fn parameter_options(
        &self,
        parameter: &str,
        credentials: Self::Credentials,
    ) -> impl Future<Output = Result<Vec<ParameterOption>, Error>> + Send {
        drop(credentials);
        let error = Error::named("NotImplementedError", format!("the parameter {parameter} has no list of choices"));
        async { Err(error) }
    }
}

/// Checks the credentials that a provider's tools share.
pub trait ValidateCredentials: Send + Sync + 'static {
    /// The credentials; secrets in `secrecy::SecretString`.
    type Credentials: DeserializeOwned + Send;

    /// Called when the user saves the credentials. An error keeps them from being saved, and the user reads it.
    fn validate_credentials(&self, credentials: Self::Credentials) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A provider: tools that share credentials.
pub struct ToolProvider {
    pub(crate) name: &'static str,
    pub(crate) validator: Arc<dyn DynValidator>,
    pub(crate) tools: BTreeMap<&'static str, Arc<dyn DynTool>>,
}

impl ToolProvider {
    /// A provider by the name in its YAML file.
    pub fn new(name: &'static str, validator: impl ValidateCredentials) -> Self {
        Self { name, validator: Arc::new(validator), tools: BTreeMap::new() }
    }

    /// Adds a tool by the name in its YAML file.
    #[must_use]
    pub fn tool(mut self, name: &'static str, tool: impl Tool) -> Self {
        self.tools.insert(name, Arc::new(tool));
        self
    }
}

impl fmt::Debug for ToolProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolProvider")
            .field("name", &self.name)
            .field("tools", &self.tools.keys())
            .finish_non_exhaustive()
    }
}

/// A call before its credentials and parameters are decoded.
pub(crate) struct RawCall {
    pub(crate) credentials: Map<String, Value>,
    pub(crate) context: CallContext,
    pub(crate) dify: Dify,
}

/// [`Tool`] without its types.
pub(crate) trait DynTool: Send + Sync {
    fn invoke(&self, call: RawCall, parameters: Map<String, Value>, reply: Reply) -> BoxFuture<'_, Result<(), Error>>;

    fn parameter_options<'a>(
        &'a self,
        parameter: &'a str,
        credentials: Map<String, Value>,
    ) -> BoxFuture<'a, Result<ParameterOptions, Error>>;
}

impl<T: Tool> DynTool for T {
    fn invoke(&self, call: RawCall, parameters: Map<String, Value>, reply: Reply) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let credentials = decode_credentials(call.credentials)?;
            let parameters = decode_parameters(parameters)?;
            let call = Call { credentials, parameters, context: call.context, dify: call.dify };
            Tool::invoke(self, call, reply).await
        })
    }

    fn parameter_options<'a>(
        &'a self,
        parameter: &'a str,
        credentials: Map<String, Value>,
    ) -> BoxFuture<'a, Result<ParameterOptions, Error>> {
        Box::pin(async move {
            let options = Tool::parameter_options(self, parameter, decode_credentials(credentials)?).await?;
            Ok(ParameterOptions { options })
        })
    }
}

/// [`ValidateCredentials`] without its types.
pub(crate) trait DynValidator: Send + Sync {
    fn validate_credentials(&self, credentials: Map<String, Value>) -> BoxFuture<'_, Result<(), Error>>;
}

impl<T: ValidateCredentials> DynValidator for T {
    fn validate_credentials(&self, credentials: Map<String, Value>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { ValidateCredentials::validate_credentials(self, decode_credentials(credentials)?).await })
    }
}
