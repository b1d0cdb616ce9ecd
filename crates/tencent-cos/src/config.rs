use std::fmt;

use secrecy::SecretString;

use crate::EndpointTemplate;

/// Who asks, and where.
#[derive(Clone)]
pub struct CosConfig {
    /// `SecretId` of the key pair. White space around it is not part of it.
    pub secret_id: SecretString,
    /// `SecretKey` of the key pair. White space around it is not part of it.
    pub secret_key: SecretString,
    /// Token that belongs to a temporary key pair (STS), sent as `x-cos-security-token`.
    pub session_token: Option<SecretString>,
    /// Region of buckets for which a call names none, such as `ap-guangzhou`.
    pub region: Option<String>,
    /// How the address of a bucket is made.
    pub endpoint: EndpointTemplate,
    /// Whether the last attempt at a bucket that cannot be reached under `myqcloud.com` goes to `tencentcos.cn`
    /// (`AutoSwitchDomainOnRetry` of the official Python SDK, where it is off unless asked for).
    pub auto_switch_domain: bool,
}

impl fmt::Debug for CosConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosConfig")
            .field("temporary_key", &self.session_token.is_some())
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("auto_switch_domain", &self.auto_switch_domain)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let config = CosConfig {
            secret_id: "AKIDsesame".into(),
            secret_key: "open-sesame".into(),
            session_token: Some("token-sesame".into()),
            region: Some("ap-guangzhou".to_owned()),
            endpoint: EndpointTemplate::default(),
            auto_switch_domain: false,
        };
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains("sesame"), "{shown}");
        assert!(shown.contains("ap-guangzhou"), "{shown}");
    }
}
