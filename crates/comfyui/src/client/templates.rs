use indexmap::IndexMap;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::ComfyUi;
use super::exchange::{Call, within};
use crate::near::near_names;
use crate::{ClientError, LibraryError};

/// The most templates that are told of; ComfyUI 0.33.0 brings 506.
const MAX_TEMPLATES: usize = 5000;
/// The longest list of templates; that of ComfyUI 0.33.0 has half a megabyte.
const MAX_INDEX_BYTES: usize = 8 << 20;
/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 16 << 20;
/// The most names that an error lists.
const MAX_NAMED: usize = 5;

/// The templates that a server offers: those that come with ComfyUI's editor, and the examples of its custom nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// At most 5000; ComfyUI's own come first, in the editor's order.
    pub templates: Vec<Template>,
    /// How many were left out.
    pub left_out: usize,
}

/// A workflow to begin with, in the editor's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What it is asked for by: the name of its file without `.json`.
    pub name: String,
    /// The pack of custom nodes that it is an example of: the name of its folder. None for ComfyUI's own.
    pub pack: Option<String>,
    /// What the editor calls it.
    pub title: Option<String>,
    /// What it makes of what.
    pub description: Option<String>,
    /// The group that it is listed under.
    pub category: Option<String>,
    /// Words that it is found by.
    pub tags: Vec<String>,
    /// The models that it is for.
    pub models: Vec<String>,
    /// The kind of file that it makes: `image`, `video`, `audio`, `3d`.
    pub media_type: Option<String>,
    /// Whether it needs nothing but the server: `false` where paid services of others do the work.
    pub is_open_source: Option<bool>,
}

#[derive(Deserialize)]
struct RawCategory {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    templates: Vec<Value>,
}

/// Only the name has to be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTemplate {
    name: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    open_source: Option<bool>,
}

impl ComfyUi {
    /// The templates: `GET /templates/index.json` of the package that comes with the editor, and
    /// `GET /workflow_templates` of the custom nodes (`app/custom_node_manager.py`). A server without the one or the other
    /// has none of them.
    ///
    /// # Errors
    /// [`LibraryError::Client`].
    pub async fn templates(&self) -> Result<Templates, LibraryError> {
        let index = Call { longest: MAX_INDEX_BYTES, ..Call::small("GET /templates/index.json") };
        let request = self.request(Method::GET, &["templates", "index.json"])?;
        let own: Vec<RawCategory> = or_none(self.json(index, request).await)?;
        let request = self.request(Method::GET, &["workflow_templates"])?;
        let packs: IndexMap<String, Vec<String>> =
            or_none(self.json(Call::small("GET /workflow_templates"), request).await)?;
        Ok(Templates::new(own, packs))
    }

    /// The text of a template, of at most 16 MiB.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchTemplate`] when the server does not have it, other [`LibraryError`]s.
    pub async fn template(&self, template: &Template) -> Result<String, LibraryError> {
        let file = format!("{}.json", template.name);
        let (name, route) = match &template.pack {
            None => ("GET /templates", vec!["templates", &file]),
            // Of all routes, this one is only there with the prefix.
            Some(pack) => ("GET /api/workflow_templates", vec!["api", "workflow_templates", pack, &file]),
        };
        let call = Call { longest: MAX_TEMPLATE_BYTES, ..Call::small(name) };
        let request = self.request(Method::GET, &route)?;
        let exchange = async {
            let response = self.success(call, request).await?;
            self.body(call, response).await
        };
        let body = within(call, exchange).await.map_err(|error| match error {
            ClientError::Status { status: 404, .. } => {
                LibraryError::NoSuchTemplate { name: template.full_name(), near: Vec::new() }
            }
            other => other.into(),
        })?;
        String::from_utf8(body).map_err(|_| LibraryError::NotText { name: template.full_name() })
    }
}

/// What a server without the route has. One that serves only what it calls its API answers anything but 404.
fn or_none<T: Default>(answer: Result<T, ClientError>) -> Result<T, ClientError> {
    match answer {
        Err(ClientError::Status { status: 404 | 405, .. }) => Ok(T::default()),
        other => other,
    }
}

impl Templates {
    fn new(own: Vec<RawCategory>, packs: IndexMap<String, Vec<String>>) -> Self {
        let mut templates: Vec<Template> = Vec::new();
        for category in own {
            // What is odd is left out: the list is made for the editor, and grows with it.
            for raw in category.templates.into_iter().filter_map(|raw| serde_json::from_value(raw).ok()) {
                let template = Template::new(raw, category.title.clone());
                // The editor lists some under several headings.
                if !templates.iter().any(|known| known.name == template.name) {
                    templates.push(template);
                }
            }
        }
        for (pack, names) in packs {
            templates.extend(names.into_iter().map(|name| Template::of_pack(name, pack.clone())));
        }
        let left_out = templates.len().saturating_sub(MAX_TEMPLATES);
        templates.truncate(MAX_TEMPLATES);
        Self { templates, left_out }
    }

    /// The template that is meant: by its name, by `pack/name` for an example of custom nodes, or by its title.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchTemplate`] with near ones, [`LibraryError::SeveralTemplates`].
    pub fn find(&self, name: &str) -> Result<&Template, LibraryError> {
        let wanted = name.trim();
        let wanted = wanted.strip_suffix(".json").unwrap_or(wanted);
        let rules: [&dyn Fn(&Template) -> bool; 4] = [
            &|template| template.full_name() == wanted,
            &|template| template.name == wanted,
            &|template| template.title.as_deref() == Some(wanted),
            &|template| {
                let title = template.title.as_deref().unwrap_or_default();
                template.name.eq_ignore_ascii_case(wanted) || (!title.is_empty() && title.eq_ignore_ascii_case(wanted))
            },
        ];
        for rule in rules {
            let mut fitting = self.templates.iter().filter(|template| rule(template));
            match (fitting.next(), fitting.next()) {
                (None, _) => {}
                (Some(template), None) => return Ok(template),
                (Some(_), Some(_)) => {
                    let fitting = self.templates.iter().filter(|template| rule(template));
                    let names = fitting.take(MAX_NAMED).map(Template::full_name).collect();
                    return Err(LibraryError::SeveralTemplates { name: wanted.to_owned(), names });
                }
            }
        }
        let titles = self.templates.iter().filter_map(|template| template.title.as_deref());
        let names = self.templates.iter().map(|template| template.name.as_str());
        let near = near_names(wanted, names.chain(titles)).into_iter().map(str::to_owned).collect();
        Err(LibraryError::NoSuchTemplate { name: wanted.to_owned(), near })
    }
}

impl Template {
    fn new(raw: RawTemplate, category: Option<String>) -> Self {
        let RawTemplate { name, title, description, tags, models, media_type, open_source } = raw;
        Self { name, pack: None, title, description, category, tags, models, media_type, is_open_source: open_source }
    }

    fn of_pack(name: String, pack: String) -> Self {
        Self {
            name,
            pack: Some(pack),
            title: None,
            description: None,
            category: None,
            tags: Vec::new(),
            models: Vec::new(),
            media_type: None,
            is_open_source: None,
        }
    }

    /// `name`, or `pack/name`.
    #[must_use]
    pub fn full_name(&self) -> String {
        self.pack.as_ref().map_or_else(|| self.name.clone(), |pack| format!("{pack}/{}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn templates() -> Templates {
        let own = json!([
            {"moduleName": "default", "title": "Basics", "templates": [
                {"name": "default", "title": "Text to Image", "mediaType": "image", "models": ["SD1.5"]},
                {"name": "upscale", "title": "Upscale", "openSource": false},
                {"title": "without a name"}, "odd"]},
            {"title": "Popular", "templates": [{"name": "default", "title": "Text to Image"}]}
        ]);
        let packs = json!({"video-pack": ["film", "upscale"], "other": ["film"]});
        Templates::new(serde_json::from_value(own).unwrap(), serde_json::from_value(packs).unwrap())
    }

    #[test]
    fn each_is_told_once() {
        let names: Vec<String> = templates().templates.iter().map(Template::full_name).collect();
        assert_eq!(names, ["default", "upscale", "video-pack/film", "video-pack/upscale", "other/film"]);
        let first = &templates().templates[0];
        assert_eq!((first.category.as_deref(), first.media_type.as_deref()), (Some("Basics"), Some("image")));
    }

    #[test]
    fn a_template_is_found_by_name_or_title() {
        let templates = templates();
        let name = |wanted| templates.find(wanted).map(Template::full_name);
        assert_eq!(name("default.json").unwrap(), "default");
        assert_eq!(name("text to image").unwrap(), "default");
        assert_eq!(name("upscale").unwrap(), "upscale", "ComfyUI's own one before those of packs");
        assert_eq!(name("other/film").unwrap(), "other/film");
        let several = name("film").unwrap_err().to_string();
        assert_eq!(several, "there are several templates \"film\": video-pack/film, other/film");
        let unknown = name("upscal").unwrap_err().to_string();
        assert!(unknown.starts_with("the server has no template \"upscal\"; did you mean upscale"), "{unknown}");
    }
}
