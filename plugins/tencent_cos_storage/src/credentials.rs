use dify_plugin::Error;
use secrecy::SecretString;
use serde::Deserialize;
use tencent_cos::{CosConfig, EndpointTemplate, TlsOptions};

use crate::allow_list::AllowList;

/// What the user fills in, as `provider/tencent_cos_storage.yaml` declares it.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    /// `SecretId` of the key pair.
    secret_id: SecretString,
    /// `SecretKey` of the key pair.
    secret_key: SecretString,
    /// The token of a temporary key pair.
    session_token: Option<SecretString>,
    /// Where buckets are looked for first.
    region: Option<String>,
    /// The only buckets to use, `name-appid[@region]`; all when not given.
    buckets: Option<String>,
    /// How the address of a bucket is made; COS's public one when not given.
    endpoint: Option<String>,
    /// Whether a bucket that cannot be reached under `myqcloud.com` is asked for under `tencentcos.cn`.
    #[serde(default)]
    auto_switch_domain: bool,
    /// Certificates in PEM form that are trusted beside the system's.
    ca_certificate: Option<String>,
}

/// The same, understood.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: CosConfig,
    pub(crate) allowed: Option<AllowList>,
    pub(crate) tls: TlsOptions,
}

impl Credentials {
    /// What the client needs. White space that came along when a value was pasted is not part of it.
    ///
    /// # Errors
    /// When the endpoint is no template of an address, or an entry of the list no bucket.
    pub(crate) fn into_settings(self) -> Result<Settings, Error> {
        let endpoint = EndpointTemplate::parse(self.endpoint.as_deref().unwrap_or_default())
            .map_err(|error| Error::credentials(error.to_string()))?;
        let config = CosConfig {
            secret_id: self.secret_id,
            secret_key: self.secret_key,
            session_token: self.session_token,
            region: trimmed(self.region),
            endpoint,
            auto_switch_domain: self.auto_switch_domain,
        };
        let allowed = AllowList::parse(self.buckets.as_deref().unwrap_or_default())?;
        let tls = TlsOptions { ca_certificate: trimmed(self.ca_certificate), ..TlsOptions::default() };
        Ok(Settings { config, allowed, tls })
    }
}

fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{
        check_credentials, check_texts, parse_datasource, parse_datasource_provider, parse_manifest,
    };

    use super::*;

    fn credentials(endpoint: Option<&str>) -> Credentials {
        Credentials {
            secret_id: "AKIDsesame".into(),
            secret_key: "open-sesame".into(),
            session_token: Some("token-sesame".into()),
            region: Some(" ap-beijing\n".to_owned()),
            buckets: Some("a-1@ap-shanghai".to_owned()),
            endpoint: endpoint.map(str::to_owned),
            auto_switch_domain: false,
            ca_certificate: Some("  ".to_owned()),
        }
    }

    #[test]
    fn the_declared_credentials_are_those_that_are_read() {
        let provider = parse_datasource_provider(include_str!("../provider/tencent_cos_storage.yaml")).unwrap();
        assert_eq!(check_credentials::<Credentials>(&provider.credentials_schema), [""; 0]);
    }

    #[test]
    fn every_text_is_there_in_four_languages() {
        let manifest = parse_manifest(include_str!("../manifest.yaml")).unwrap();
        let provider = parse_datasource_provider(include_str!("../provider/tencent_cos_storage.yaml")).unwrap();
        let datasource = parse_datasource(include_str!("../datasources/tencent_cos_storage.yaml")).unwrap();
        let findings = [check_texts(&manifest), check_texts(&provider), check_texts(&datasource)].concat();
        assert_eq!(findings, []);
    }

    #[test]
    fn without_an_endpoint_it_is_cos_itself() {
        let settings = credentials(None).into_settings().unwrap();
        assert_eq!(settings.config.endpoint, EndpointTemplate::default());
    }

    #[test]
    fn white_space_is_nobodys_value() {
        let settings = credentials(None).into_settings().unwrap();
        assert_eq!(settings.config.region.as_deref(), Some("ap-beijing"));
        assert_eq!(settings.tls, TlsOptions::default());
        assert!(settings.allowed.unwrap().find("a-1").is_some());
    }

    #[test]
    fn a_wrong_endpoint_is_an_error_of_the_credentials_that_shows_a_right_one() {
        let error = credentials(Some("ftp://example.com")).into_settings().unwrap_err();
        assert!(error.message().contains("https://{bucket}.cos.{region}.myqcloud.com"), "{error}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", credentials(None));
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
