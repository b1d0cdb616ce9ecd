use dify_plugin::Error;
use secrecy::SecretString;
use serde::Deserialize;
use tencent_cos::{CosConfig, EndpointTemplate};

/// What the user fills in, as `provider/tencent_cos_storage.yaml` declares it.
#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    /// `SecretId` of the key pair.
    secret_id: SecretString,
    /// `SecretKey` of the key pair.
    secret_key: SecretString,
    /// Where buckets are looked for first.
    region: String,
    /// How the address of a bucket is made; COS's public one when not given.
    endpoint: Option<String>,
}

impl Credentials {
    /// The client's settings. White space that came along when a value was pasted is not part of it.
    ///
    /// # Errors
    /// When the endpoint is no template of an address.
    pub(crate) fn into_config(self) -> Result<CosConfig, Error> {
        let endpoint = EndpointTemplate::parse(self.endpoint.as_deref().unwrap_or_default())
            .map_err(|error| Error::credentials(error.to_string()))?;
        Ok(CosConfig {
            secret_id: self.secret_id,
            secret_key: self.secret_key,
            session_token: None,
            region: Some(self.region.trim().to_owned()),
            endpoint,
        })
    }
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
            region: " ap-beijing\n".to_owned(),
            endpoint: endpoint.map(str::to_owned),
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
        assert_eq!(findings, [""; 0]);
    }

    #[test]
    fn without_an_endpoint_it_is_cos_itself() {
        let config = credentials(None).into_config().unwrap();
        assert_eq!(config.endpoint, EndpointTemplate::default());
        assert_eq!(config.region.as_deref(), Some("ap-beijing"));
    }

    #[test]
    fn a_wrong_endpoint_is_an_error_of_the_credentials_that_shows_a_right_one() {
        let error = credentials(Some("ftp://example.com")).into_config().unwrap_err();
        assert!(error.message().contains("https://{bucket}.cos.{region}.myqcloud.com"), "{error}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", credentials(None));
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
