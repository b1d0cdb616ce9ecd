use url::Url;

use crate::CosError;
use crate::domain_switch::{may_be_of_the_domain, other_domain};
use crate::retry::Attempts;

/// Where one call goes: to its address, and after failures of the way there to COS's other domain, if that is allowed.
#[derive(Debug)]
pub(crate) struct Route {
    url: Url,
    may_switch_domain: bool,
    attempts: Attempts,
    /// Why the first domain was given up: what the user reads if the other is no better.
    given_up: Option<CosError>,
}

impl Route {
    pub(crate) fn new(url: &Url, may_switch_domain: bool) -> Self {
        Self { url: url.clone(), may_switch_domain, attempts: Attempts::default(), given_up: None }
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// Waits until the call may be repeated after `error`, or gives the error that the call failed with.
    pub(crate) async fn pause_after(&mut self, error: CosError) -> Result<(), CosError> {
        if let Some(first) = self.given_up.take_if(|_| may_be_of_the_domain(&error)) {
            return Err(first);
        }
        let other = (self.may_switch_domain && may_be_of_the_domain(&error)).then(|| other_domain(&self.url)).flatten();
        let given_up = self.attempts.pause_after(error, other.is_some()).await?;
        if let (Some(other), Some(_)) = (other, &given_up) {
            tracing::debug!(host = other.host_str(), "COS is asked at its other domain");
            self.url = other;
            self.given_up = given_up;
        }
        Ok(())
    }
}
