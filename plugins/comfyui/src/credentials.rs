use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use comfyui::{ServerAddress, TlsOptions};
use dify_plugin::Error;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::declarations::LONGEST_CACHE_TIME;

/// What the user fills in, as `provider/comfyui.yaml` declares it.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    /// Where ComfyUI is. A secret, because it may hold a name and a password.
    base_url: SecretString,
    /// For the gateway in front of ComfyUI, as Bearer token.
    comfyui_api_key: Option<SecretString>,
    /// `Name: value`, for a gateway that wants to see another header.
    extra_header: Option<SecretString>,
    /// Of the authority that signed the server's certificate, in PEM form.
    ca_certificate: Option<SecretString>,
    /// Whether the server's certificate is checked.
    #[serde(default = "yes")]
    verify_tls: bool,
    /// Whose saved workflows are meant, on a server that keeps its users apart.
    pub(crate) comfyui_user: Option<String>,
    /// For the paid API nodes of Comfy Org.
    api_key_comfy_org: Option<SecretString>,
    /// For models on `civitai.com` that the server is to fetch.
    pub(crate) civitai_api_key: Option<SecretString>,
    /// For models on `huggingface.co` that the server is to fetch.
    pub(crate) hf_api_key: Option<SecretString>,
    /// Seconds that what the server declares, lists of models included, may be used.
    #[serde(default = "five_minutes")]
    expire_after: String,
}

const fn yes() -> bool {
    true
}

/// The default in the YAML file, which the official plugin has too.
fn five_minutes() -> String {
    "300".to_owned()
}

impl Credentials {
    /// # Errors
    /// When the address is none.
    pub(crate) fn address(&self) -> Result<ServerAddress, Error> {
        ServerAddress::parse(self.base_url.expose_secret())
            .map_err(|error| Error::credentials(format!("base_url: {error}")))
    }

    /// Which certificates are accepted.
    ///
    /// # Errors
    /// When the certificate is given and would not be looked at.
    pub(crate) fn tls(&self) -> Result<TlsOptions, Error> {
        let pem = self.ca_certificate.as_ref().map(|pem| pem.expose_secret().trim()).filter(|pem| !pem.is_empty());
        if pem.is_some() && !self.verify_tls {
            return Err(Error::credentials(
                "ca_certificate: a certificate is given, but verify_tls is off, so that it would not be checked: turn \
                 verify_tls on, or leave the certificate out",
            ));
        }
        Ok(TlsOptions { ca_certificate: pem.map(with_line_breaks), accept_invalid_certificates: !self.verify_tls })
    }

    /// What the server is to see.
    ///
    /// # Errors
    /// When the extra header is none.
    pub(crate) fn keys(&self) -> Result<comfyui::Credentials, Error> {
        let mut keys = comfyui::Credentials::default();
        if let Some(key) = &self.comfyui_api_key {
            keys = keys.with_bearer(key);
        }
        if let Some(header) = &self.extra_header {
            keys = keys.with_header(header).map_err(|error| Error::credentials(format!("extra_header: {error}")))?;
        }
        if let Some(key) = &self.api_key_comfy_org {
            keys = keys.with_comfy_org_key(key);
        }
        // The server has them only where it fetches a model, and then they are a part of the workflow.
        for key in [&self.civitai_api_key, &self.hf_api_key].into_iter().flatten() {
            keys = keys.hiding(key);
        }
        Ok(keys)
    }

    /// For how long what the server declares may be used.
    pub(crate) fn cache_time(&self) -> Duration {
        let seconds = self.expire_after.trim().parse().unwrap_or(300);
        Duration::from_secs(seconds).min(LONGEST_CACHE_TIME)
    }

    /// Tells servers, and those who may ask them, apart. Nobody can make a credential of it: the hasher's keys are drawn at
    /// the start of the process.
    pub(crate) fn fingerprint(&self, hasher: &RandomState) -> u64 {
        let secret = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let Self { base_url, comfyui_api_key, extra_header, ca_certificate, .. } = self;
        let keys = [comfyui_api_key, extra_header, ca_certificate].map(secret);
        hasher.hash_one((base_url.expose_secret(), keys, self.verify_tls))
    }

    /// # Errors
    /// When a field that no server can check is wrong.
    pub(crate) fn check_form(&self) -> Result<(), Error> {
        match self.expire_after.trim().parse::<u32>() {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::credentials("expire_after: enter a whole number of seconds, such as 300")),
        }
    }
}

/// The certificates with the line breaks that a form's single line took out of them, which PEM needs around its marks.
fn with_line_breaks(pem: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let pem = pem.replace("\\n", "\n");
    let blocks = pem.split(BEGIN).skip(1).filter_map(|block| block.split_once(END));
    let blocks: Vec<String> = blocks
        .map(|(base64, _)| format!("{BEGIN}\n{}\n{END}\n", base64.split_whitespace().collect::<Vec<_>>().join("\n")))
        .collect();
    // What holds no certificate is refused as it is.
    if blocks.is_empty() { pem } else { blocks.concat() }
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{check_credentials, check_texts, parse_manifest, parse_tool, parse_tool_provider};
    use serde_json::json;

    use super::*;

    fn credentials(base_url: &str) -> Credentials {
        serde_json::from_value(json!({
            "base_url": base_url,
            "comfyui_api_key": "open-sesame",
            "api_key_comfy_org": "sesame-org",
            "civitai_api_key": "sesame-civitai",
            "hf_api_key": "sesame-hf",
            "extra_header": "X-Key: sesame-extra",
            "ca_certificate": "sesame-pem",
        }))
        .unwrap()
    }

    #[test]
    fn the_declared_credentials_are_those_that_are_read() {
        let provider = parse_tool_provider(include_str!("../provider/comfyui.yaml")).unwrap();
        assert_eq!(check_credentials::<Credentials>(&provider.credentials_schema), [""; 0]);
    }

    #[test]
    fn every_text_is_there_in_four_languages() {
        let manifest = parse_manifest(include_str!("../manifest.yaml")).unwrap();
        let provider = parse_tool_provider(include_str!("../provider/comfyui.yaml")).unwrap();
        let tools = [
            include_str!("../tools/workflow.yaml"),
            include_str!("../tools/submit_workflow.yaml"),
            include_str!("../tools/get_result.yaml"),
            include_str!("../tools/run_saved_workflow.yaml"),
            include_str!("../tools/describe_workflow.yaml"),
        ];
        let tools = tools.map(|tool| check_texts(&parse_tool(tool).unwrap())).concat();
        assert_eq!([check_texts(&manifest), check_texts(&provider), tools].concat(), []);
    }

    #[test]
    fn a_wrong_address_names_its_field_and_not_its_password() {
        let error = credentials("ftp://me:open-sesame@host").address().unwrap_err();
        assert!(error.message().starts_with("base_url: the server address begins with ftp://"), "{error}");
        assert!(!error.message().contains("sesame"), "{error}");
    }

    #[test]
    fn the_cache_time_is_a_number() {
        let mut credentials = credentials("host");
        credentials.check_form().unwrap();
        credentials.expire_after = "5 minutes".to_owned();
        assert!(credentials.check_form().unwrap_err().message().starts_with("expire_after: "));
    }

    #[test]
    fn a_certificate_that_would_not_be_looked_at_is_a_mistake() {
        let mut credentials = credentials("host");
        assert_eq!(credentials.tls().unwrap().ca_certificate.as_deref(), Some("sesame-pem"));
        credentials.verify_tls = false;
        assert!(credentials.tls().unwrap_err().message().starts_with("ca_certificate: "));
        credentials.ca_certificate = None;
        assert!(credentials.tls().unwrap().accept_invalid_certificates);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", credentials("http://me:sesame@host"));
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
