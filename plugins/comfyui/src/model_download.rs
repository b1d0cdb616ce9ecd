use comfyui::{InputType, MissingModel, Workflow};
use dify_plugin::Error;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::credentials::Credentials;
use crate::execution::execute_as;
use crate::failure::{client_failure, run_failure};
use crate::parties::Parties;

/// The node that fetches a file into a folder of models, of the custom nodes `comfy-asset-downloader` by ServiceStack.
const DOWNLOADER: &str = "AssetDownloader";
const PACK: &str = "comfy-asset-downloader (https://github.com/ServiceStack/comfy-asset-downloader)";
/// What may be fetched: nothing that a server would take for a program.
const EXTENSIONS: [&str; 8] = [".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx"];
/// Folders that have another name now (ComfyUI, `folder_paths.py`: `map_legacy`).
const RENAMED: [(&str, &str); 2] = [("unet", "diffusion_models"), ("clip", "text_encoders")];
/// The longest name of a file or folder, as file systems have it.
const MAX_NAME_BYTES: usize = 255;
/// The most models of one call.
const MAX_MODELS: usize = 50;

/// What came of missing models.
#[derive(Debug)]
pub(crate) enum Download {
    /// There was nothing to fetch.
    Nothing,
    /// They are on the server: what the workflow called each, and the name that it was saved under.
    Done(Vec<(String, String)>),
    /// The server cannot fetch by itself: a sentence that says so.
    NoDownloader(String),
}

/// Has the server fetch models, one after the other, while the user watches.
///
/// # Errors
/// When one of them may not or cannot be fetched.
pub(crate) async fn fetch_models(models: &[MissingModel], parties: Parties<'_>) -> Result<Download, Error> {
    if models.is_empty() {
        return Ok(Download::Nothing);
    }
    if models.len() > MAX_MODELS {
        let count = models.len();
        return Err(refused(&format!("{count} models are missing, and at most {MAX_MODELS} are fetched in one call")));
    }
    let mut fetches: Vec<Fetch> = models.iter().map(Fetch::new).collect::<Result<_, _>>()?;
    let known = parties.servers.declarations().get(parties.server, parties.credentials, &[DOWNLOADER], true).await;
    let known = known.map_err(|error| client_failure(&error))?;
    if known.classes.get(DOWNLOADER).is_none() {
        return Ok(Download::NoDownloader(format!(
            "the server could fetch {} by itself (enable_download) if it had the custom nodes {PACK}",
            if fetches.len() == 1 { "it" } else { "them" }
        )));
    }
    let folders = known.classes.input(DOWNLOADER, "save_to").map(|declared| &declared.kind);
    for fetch in &mut fetches {
        let Some(InputType::Choice(Some(folders))) = folders else { break };
        let has = |name: &str| folders.iter().any(|folder| folder == name);
        if !has(&fetch.folder) {
            // Workflows of before keep the old names.
            let new = RENAMED.iter().find(|(old, new)| *old == fetch.folder && has(new));
            if let Some((_, new)) = new {
                (*new).clone_into(&mut fetch.folder);
                continue;
            }
            return Err(refused(&format!("{}: the server has no folder models/{}", fetch.name, fetch.folder)));
        }
    }
    let mut saved = Vec::new();
    for (model, fetch) in models.iter().zip(fetches) {
        fetch.run(parties).await?;
        saved.push((model.name.clone(), fetch.name));
    }
    Ok(Download::Done(saved))
}

/// One file that is to be fetched.
#[derive(Debug, PartialEq, Eq)]
struct Fetch {
    url: Url,
    folder: String,
    name: String,
}

impl Fetch {
    /// Checks what a workflow, which may be anybody's, asks for.
    fn new(model: &MissingModel) -> Result<Self, Error> {
        let name = model.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown: String = name.chars().filter(|c| !c.is_control()).take(150).collect();
        let no = |why: &str| refused(&format!("{shown:?} is not downloaded: {why}"));
        let url = Url::parse(model.url.as_deref().unwrap_or_default()).map_err(|_| no("its address is no URL"))?;
        if url.scheme() != "https" || url.host_str().is_none() {
            return Err(no("its address does not begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(no("its address holds a name or a password"));
        }
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.len() <= MAX_NAME_BYTES
                && !text.starts_with('.')
                && !text.contains("..")
                && !text.contains(['/', '\\', ':'])
                && !text.chars().any(char::is_control)
        };
        let lower = name.to_ascii_lowercase();
        if !is_plain(name) || !EXTENSIONS.iter().any(|extension| lower.ends_with(extension)) {
            return Err(no("its name is not that of a model file"));
        }
        let folder = model.folder.as_deref().unwrap_or_default();
        if folder.is_empty() {
            return Err(no("the workflow does not say which folder of models it belongs to"));
        }
        if !is_plain(folder) || folder == "custom_nodes" {
            return Err(no("its folder is not one of models"));
        }
        Ok(Self { url, folder: folder.to_owned(), name: name.to_owned() })
    }

    /// The key for the host that the file is on, and for no other.
    fn key<'a>(&self, credentials: &'a Credentials) -> Option<&'a SecretString> {
        let host = self.url.host_str().unwrap_or_default();
        let is_of = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        if is_of("civitai.com") {
            credentials.civitai_api_key.as_ref()
        } else if is_of("huggingface.co") {
            credentials.hf_api_key.as_ref()
        } else {
            None
        }
    }

    async fn run(&self, parties: Parties<'_>) -> Result<(), Error> {
        let token = self.key(parties.credentials).map(ExposeSecret::expose_secret).unwrap_or_default().trim();
        let prompt = json!({"1": {"class_type": DOWNLOADER, "_meta": {"title": self.name}, "inputs": {
            "url": self.url.as_str(), "save_to": self.folder, "filename": self.name, "token": token,
        }}});
        let mut prompt = Workflow::parse(&prompt.to_string()).map_err(|error| Error::failed(error.to_string()))?;
        // The server remembers it as done, also when the file is gone since.
        prompt.avoid_cache("1", &Uuid::new_v4().to_string());
        let label = format!("Download {} into models/{}", self.name, self.folder);
        let host = self.url.host_str().unwrap_or_default();
        let data = json!({"host": host, "folder": self.folder, "name": self.name, "with_key": !token.is_empty()});
        let time = parties.time.left_for_the_run();
        let outcome = execute_as(&label, data, parties.server, &prompt, time, parties.reply, run_failure).await;
        outcome.map_err(|error| {
            let told = error.message();
            let advice = match host {
                _ if !token.is_empty() => "",
                host if host.ends_with("civitai.com") => {
                    "; if it needs a login, enter a Civitai API key (civitai_api_key)"
                }
                host if host.ends_with("huggingface.co") => "; if it is gated, enter an access token (hf_api_key)",
                _ => "",
            };
            refused(&format!("the server could not download {} from {host}: {told}{advice}", self.name))
        })?;
        Ok(())
    }
}

fn refused(why: &str) -> Error {
    Error::failed(format!("enable_download: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn model(name: &str, folder: &str, url: &str) -> MissingModel {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        MissingModel { name: name.to_owned(), folder: text(folder), url: text(url), near: Vec::new() }
    }

    fn credentials() -> Credentials {
        let filled: Value = json!({"base_url": "host", "civitai_api_key": "civitai", "hf_api_key": "hugging"});
        serde_json::from_value(filled).unwrap()
    }

    #[test]
    fn only_models_are_fetched_and_only_into_their_folders() {
        let refusal = |name, folder, url| Fetch::new(&model(name, folder, url)).unwrap_err().message().to_owned();
        let url = "https://example.com/a";
        assert!(refusal("a.safetensors", "loras", "http://example.com/a").contains("https://"));
        assert!(refusal("a.safetensors", "loras", "file:///etc/passwd").contains("https://"));
        assert!(refusal("a.safetensors", "loras", "https://me:secret@example.com/").contains("a name or a password"));
        assert!(refusal("a.safetensors", "loras", "").contains("no URL"));
        assert!(refusal("a.py", "loras", url).contains("not that of a model file"));
        assert!(refusal("..safetensors", "loras", url).contains("not that of a model file"));
        assert!(refusal("a.safetensors", "", url).contains("which folder"));
        for folder in ["custom_nodes", "../input", "a/b", "..", "C:x", "a\\b"] {
            assert!(refusal("a.safetensors", folder, url).contains("not one of models"), "{folder}");
        }
        let fetch = Fetch::new(&model("sub\\a.safetensors", "loras", url)).unwrap();
        assert_eq!((fetch.name.as_str(), fetch.folder.as_str()), ("a.safetensors", "loras"));
    }

    #[test]
    fn a_key_goes_for_its_own_host_alone() {
        let key = |url: &str| {
            let fetch = Fetch::new(&model("a.safetensors", "loras", url)).unwrap();
            fetch.key(&credentials()).map(|key| key.expose_secret().to_owned())
        };
        assert_eq!(key("https://civitai.com/api/download/models/1").as_deref(), Some("civitai"));
        assert_eq!(key("https://CIVITAI.com/x").as_deref(), Some("civitai"));
        assert_eq!(key("https://huggingface.co/a/resolve/main/x").as_deref(), Some("hugging"));
        assert_eq!(key("https://cdn.huggingface.co/x").as_deref(), Some("hugging"));
        for url in [
            "https://notcivitai.com/x",
            "https://civitai.com.example.com/x",
            "https://example.com/civitai.com",
            "https://example.com/?https://huggingface.co",
            "https://huggingface.co.evil.example/x",
        ] {
            assert_eq!(key(url), None, "{url}");
        }
    }
}
