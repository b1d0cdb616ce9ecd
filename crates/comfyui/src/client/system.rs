use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::ComfyUi;
use super::exchange::{Call, LARGE_ANSWER};
use crate::{ClientError, NodeClass, NodeClasses};

/// The most classes that are asked for in one go; a workflow with more is checked by the server alone.
const MAX_CLASSES: usize = 200;
/// Requests under way at once.
const CLASSES_AT_ONCE: usize = 8;

/// What `GET /system_stats` tells, as far as it helps to know a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemStats {
    /// ComfyUI's version, such as `0.3.64`.
    pub comfyui_version: Option<String>,
    /// The operating system's name in Python's words: `linux`, `posix`, `nt`.
    pub os: Option<String>,
    /// Where it computes.
    pub devices: Vec<Device>,
}

/// One device of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Such as `cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync`, or `cpu`.
    pub name: String,
    /// Such as `cuda`, `mps`, `cpu`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its memory in bytes.
    pub vram_total: Option<u64>,
    /// What of it is free, in bytes.
    pub vram_free: Option<u64>,
}

#[derive(Deserialize)]
struct RawStats {
    system: RawSystem,
    #[serde(default)]
    devices: Vec<Device>,
}

#[derive(Deserialize)]
struct RawSystem {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    comfyui_version: Option<String>,
}

impl ComfyUi {
    /// Asks the server what it is: `GET /system_stats`. Cheap, and a proof of address and credentials.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn system_stats(&self) -> Result<SystemStats, ClientError> {
        let request = self.request(Method::GET, &["system_stats"])?;
        let RawStats { system, devices } = self.json(Call::small("GET /system_stats"), request).await?;
        Ok(SystemStats { comfyui_version: system.comfyui_version, os: system.os, devices })
    }

    /// The declarations of all node classes: `GET /object_info`. Megabytes on servers with many custom nodes; at most
    /// 64 MiB are read.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn object_info(&self) -> Result<Value, ClientError> {
        let call =
            Call { name: "GET /object_info", deadline: std::time::Duration::from_secs(120), longest: LARGE_ANSWER };
        self.json(call, self.request(Method::GET, &["object_info"])?).await
    }

    /// What the server declares of these classes, each asked for by itself: a whole `/object_info` is megabytes. Classes
    /// that it does not have are left out.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn node_classes(&self, class_types: &[&str]) -> Result<NodeClasses, ClientError> {
        let class_types: Vec<String> = class_types.iter().take(MAX_CLASSES).map(|name| (*name).to_owned()).collect();
        let asked = stream::iter(class_types).map(|class_type| async move {
            let entry = self.object_info_of(&class_type).await?;
            Ok::<_, ClientError>(entry.map(|entry| (class_type, NodeClass::read(&entry))))
        });
        let classes: Vec<_> = asked.buffer_unordered(CLASSES_AT_ONCE).try_collect().await?;
        Ok(classes.into_iter().flatten().collect())
    }

    /// The declaration of one node class: `GET /object_info/{class}`; nothing for an unknown one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn object_info_of(&self, class_type: &str) -> Result<Option<Value>, ClientError> {
        let request = self.request(Method::GET, &["object_info", class_type])?;
        let mut info: serde_json::Map<String, Value> = self.json(Call::large("GET /object_info"), request).await?;
        Ok(info.remove(class_type))
    }
}
