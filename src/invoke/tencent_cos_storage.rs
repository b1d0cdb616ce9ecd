use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use dify_plugin_host::{DifyHost, PluginProcess, UploadEndpoint};
use dify_plugin_protocol::{
    BrowseFiles, BrowseFilesRequest, DownloadFile, DownloadFileRequest, DriveFileType, ValidateCredentials,
};
use serde_json::{Map, Value};

use super::answer;
use crate::Failure;
use crate::child::PluginName;
use crate::received::Folder;
use crate::say::say;
use crate::shown::shown;

/// Provider and datasource have the same name.
const NAME: &str = "tencent_cos_storage";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    credentials: Credentials,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Args)]
struct Credentials {
    /// The key's id.
    #[arg(long, env = "TENCENTCLOUD_SECRET_ID", global = true)]
    secret_id: Option<String>,
    /// The key.
    #[arg(long, env = "TENCENTCLOUD_SECRET_KEY", hide_env_values = true, global = true)]
    secret_key: Option<String>,
    /// The token of temporary keys.
    #[arg(long, env = "TENCENTCLOUD_SESSION_TOKEN", hide_env_values = true, global = true)]
    session_token: Option<String>,
    /// Where buckets are looked for first, as ap-guangzhou.
    #[arg(long, env = "TENCENTCLOUD_REGION", global = true)]
    region: Option<String>,
    /// The only buckets to be used, as name-appid or name-appid@region, separated by commas.
    #[arg(long, global = true)]
    buckets: Option<String>,
    /// How buckets are reached, if not at https://{bucket}.cos.{region}.myqcloud.com.
    #[arg(long, env = "OXIDIFY_COS_ENDPOINT", global = true)]
    endpoint: Option<String>,
    /// Make the last attempt at a bucket that cannot be reached under myqcloud.com under tencentcos.cn.
    #[arg(long, global = true)]
    auto_switch_domain: bool,
    /// A file with the certificate of a private authority, in PEM form.
    #[arg(long, global = true)]
    ca_certificate: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check the credentials.
    Validate,
    /// List the buckets.
    Buckets,
    /// List a page of a folder.
    Browse {
        /// The bucket, as name-appid.
        #[arg(long)]
        bucket: String,
        /// The folder, with a slash at its end; the root otherwise.
        #[arg(long, default_value = "")]
        prefix: String,
        /// Entries on a page.
        #[arg(long, default_value_t = 100)]
        max_keys: u32,
        /// What the page before printed.
        #[arg(long)]
        next_page_parameters: Option<String>,
    },
    /// Download a file.
    Download {
        /// The bucket, as name-appid.
        #[arg(long)]
        bucket: String,
        /// The file's key.
        #[arg(long)]
        key: String,
        /// Where it is saved.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
}

pub(super) async fn run(Arguments { credentials, action }: Arguments) -> Result<(), Failure> {
    let credentials = credentials.fields()?;
    match action {
        Action::Validate => {
            let fields = ValidateCredentials { user_id: String::new(), provider: NAME.to_owned(), credentials };
            start().await?.validate_datasource_credentials(&fields).await?;
            say!("The credentials are good.")?;
            Ok(())
        }
        Action::Buckets => {
            let request = BrowseFilesRequest {
                bucket: None,
                prefix: String::new(),
                max_keys: 100,
                next_page_parameters: Map::new(),
            };
            let answer = start().await?.browse_files(browse(credentials, request)).await?;
            for bucket in answer.result {
                say!("{}", shown(&bucket.bucket.unwrap_or_default()))?;
            }
            Ok(())
        }
        Action::Browse { bucket, prefix, max_keys, next_page_parameters } => {
            let next_page_parameters = match next_page_parameters {
                Some(parameters) => serde_json::from_str(&parameters)?,
                None => Map::new(),
            };
            let request = BrowseFilesRequest { bucket: Some(bucket), prefix, max_keys, next_page_parameters };
            let answer = start().await?.browse_files(browse(credentials, request)).await?;
            for bucket in answer.result {
                for file in bucket.files {
                    match file.r#type {
                        DriveFileType::Folder => say!("{:>14}  {}", "folder", shown(&file.id))?,
                        DriveFileType::File => say!("{:>14}  {}", file.size, shown(&file.id))?,
                    }
                }
                if let (true, Some(next)) = (bucket.is_truncated, bucket.next_page_parameters) {
                    say!("There is more: --next-page-parameters '{}'", shown(&Value::Object(next).to_string()))?;
                }
            }
            Ok(())
        }
        Action::Download { bucket, key, out } => {
            let folder = Folder::create(&out)?;
            let uploads = folder.clone();
            let uploads = UploadEndpoint::builder().files_to(move |name| uploads.upload_sink(name)).start().await?;
            let plugin = PluginName::TencentCosStorage.start(&DifyHost::builder().uploads(uploads).build()).await?;
            let call = DownloadFile {
                user_id: String::new(),
                provider: NAME.to_owned(),
                datasource: NAME.to_owned(),
                credentials,
                request: DownloadFileRequest { bucket: Some(bucket), id: key },
            };
            answer::show(&plugin, call.into(), &folder).await
        }
    }
}

async fn start() -> Result<PluginProcess, Failure> {
    PluginName::TencentCosStorage.start(&DifyHost::builder().build()).await
}

fn browse(credentials: Map<String, Value>, request: BrowseFilesRequest) -> BrowseFiles {
    BrowseFiles { user_id: String::new(), provider: NAME.to_owned(), datasource: NAME.to_owned(), credentials, request }
}

impl Credentials {
    fn fields(self) -> Result<Map<String, Value>, Failure> {
        let ca_certificate = self.ca_certificate.map(fs::read_to_string).transpose()?;
        let fields = [
            ("secret_id", Some(self.secret_id.ok_or("give a secret id: --secret-id or TENCENTCLOUD_SECRET_ID")?)),
            ("secret_key", Some(self.secret_key.ok_or("give a secret key: --secret-key or TENCENTCLOUD_SECRET_KEY")?)),
            ("session_token", self.session_token),
            ("region", self.region),
            ("buckets", self.buckets),
            ("endpoint", self.endpoint),
            ("ca_certificate", ca_certificate),
        ];
        let texts = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
        Ok(texts.chain([("auto_switch_domain".to_owned(), self.auto_switch_domain.into())]).collect())
    }
}
