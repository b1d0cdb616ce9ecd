use std::fmt;

use crate::{
    Credential, Datasource, DatasourceProvider, I18nText, Manifest, OAuthSchema, ParameterOption, Tool, ToolProvider,
};

/// Most characters of a text (daemon, `plugin_entities/i18n.go`).
const MAX_LENGTH: usize = 1023;

/// Something with texts that users read.
pub trait Texts {
    /// Each text, and where in the file it is.
    fn texts(&self) -> Vec<(String, &I18nText)>;
}

/// What is wrong with a text that users read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFault {
    /// Where in the file the text is, as [`line_of`](crate::line_of) takes it.
    pub place: String,
    /// What is wrong, with the language.
    pub problem: String,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.problem)
    }
}

/// Texts that lack one of the four languages, or are too long for Dify.
#[must_use]
pub fn check_texts(declaration: &impl Texts) -> Vec<TextFault> {
    let mut faults = Vec::new();
    for (place, text) in declaration.texts() {
        for (language, text) in text.languages() {
            match text.map(str::trim) {
                None | Some("") => {
                    faults.push(TextFault { place: place.clone(), problem: format!("has no {language}") });
                }
                Some(text) if text.chars().count() > MAX_LENGTH => {
                    let problem = format!("has more than {MAX_LENGTH} characters in {language}");
                    faults.push(TextFault { place: place.clone(), problem });
                }
                Some(_) => {}
            }
        }
    }
    faults
}

impl Texts for Manifest {
    fn texts(&self) -> Vec<(String, &I18nText)> {
        vec![("label".to_owned(), &self.label), ("description".to_owned(), &self.description)]
    }
}

impl Texts for ToolProvider {
    fn texts(&self) -> Vec<(String, &I18nText)> {
        let mut texts = vec![
            ("identity.label".to_owned(), &self.identity.label),
            ("identity.description".to_owned(), &self.identity.description),
        ];
        push_credentials(&mut texts, "credentials_for_provider", &self.credentials_schema);
        push_oauth(&mut texts, self.oauth_schema.as_ref());
        texts
    }
}

impl Texts for DatasourceProvider {
    fn texts(&self) -> Vec<(String, &I18nText)> {
        let mut texts = vec![
            ("identity.label".to_owned(), &self.identity.label),
            ("identity.description".to_owned(), &self.identity.description),
        ];
        push_credentials(&mut texts, "credentials_schema", &self.credentials_schema);
        push_oauth(&mut texts, self.oauth_schema.as_ref());
        texts
    }
}

impl Texts for Tool {
    fn texts(&self) -> Vec<(String, &I18nText)> {
        let mut texts = vec![
            ("identity.label".to_owned(), &self.identity.label),
            ("description.human".to_owned(), &self.description.human),
        ];
        for parameter in &self.parameters {
            let place = format!("parameters.{}", parameter.name);
            texts.push((format!("{place}.label"), &parameter.label));
            texts.push((format!("{place}.human_description"), &parameter.human_description));
            push_options(&mut texts, &place, &parameter.options);
        }
        texts
    }
}

impl Texts for Datasource {
    fn texts(&self) -> Vec<(String, &I18nText)> {
        let mut texts =
            vec![("identity.label".to_owned(), &self.identity.label), ("description".to_owned(), &self.description)];
        for parameter in &self.parameters {
            let place = format!("parameters.{}", parameter.name);
            texts.push((format!("{place}.label"), &parameter.label));
            texts.push((format!("{place}.description"), &parameter.description));
            push_options(&mut texts, &place, &parameter.options);
        }
        texts
    }
}

fn push_credentials<'a>(texts: &mut Vec<(String, &'a I18nText)>, place: &str, credentials: &'a [Credential]) {
    for credential in credentials {
        let place = format!("{place}.{}", credential.name);
        texts.push((format!("{place}.label"), &credential.label));
        texts.extend(credential.help.as_ref().map(|help| (format!("{place}.help"), help)));
        texts.extend(credential.placeholder.as_ref().map(|text| (format!("{place}.placeholder"), text)));
        push_options(texts, &place, &credential.options);
    }
}

fn push_oauth<'a>(texts: &mut Vec<(String, &'a I18nText)>, oauth: Option<&'a OAuthSchema>) {
    if let Some(oauth) = oauth {
        push_credentials(texts, "oauth_schema.client_schema", &oauth.client_schema);
        push_credentials(texts, "oauth_schema.credentials_schema", &oauth.credentials_schema);
    }
}

fn push_options<'a>(texts: &mut Vec<(String, &'a I18nText)>, place: &str, options: &'a [ParameterOption]) {
    texts.extend(options.iter().map(|option| (format!("{place}.options.{}", option.value), &option.label)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse_datasource, parse_datasource_provider, parse_manifest, parse_tool, parse_tool_provider};

    const ALL: &str = "{en_US: a, zh_Hans: b, ja_JP: c, pt_BR: d}";

    fn tool(label: &str, human_description: &str, option: &str) -> Tool {
        parse_tool(&format!(
            "
identity: {{author: me, name: greet, label: {ALL}}}
description: {{human: {ALL}, llm: Says hello.}}
parameters:
  - {{name: tone, type: select, form: form, label: {label}, human_description: {human_description},
      options: [{{value: dry, label: {option}}}]}}
"
        ))
        .unwrap()
    }

    fn said(declaration: &impl Texts) -> Vec<String> {
        check_texts(declaration).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_there_in_four_languages_is_fine() {
        assert_eq!(check_texts(&tool(ALL, ALL, ALL)), []);
    }

    #[test]
    fn each_missing_language_is_a_finding() {
        let tool = tool(
            "{en_US: a, zh_Hans: b, ja_JP: c}",
            "{en_US: '', zh_Hans: b, pt_BR: d}",
            "{en_US: a, zh_Hans: ' ', ja_JP: c, pt_BR: d}",
        );
        assert_eq!(
            said(&tool),
            [
                "parameters.tone.label has no pt_BR",
                "parameters.tone.human_description has no en_US",
                "parameters.tone.human_description has no ja_JP",
                "parameters.tone.options.dry has no zh_Hans",
            ]
        );
    }

    #[test]
    fn a_text_longer_than_dify_takes_is_a_finding() {
        let long = format!("{{en_US: a, zh_Hans: {}, ja_JP: c, pt_BR: {}}}", "长".repeat(1023), "x".repeat(1024));
        assert_eq!(said(&tool(&long, ALL, ALL)), ["parameters.tone.label has more than 1023 characters in pt_BR"]);
    }

    #[test]
    fn every_kind_of_file_shows_all_its_texts() {
        let one = "{en_US: a}";
        let credential = format!(
            "{{name: key, type: select, label: {one}, help: {one}, placeholder: {one}, \
             options: [{{value: v, label: {one}}}]}}"
        );
        let manifest = parse_manifest(&format!(
            "{{version: 0.1.0, type: plugin, author: me, name: p, label: {one}, description: {one}, icon: i.svg, \
             created_at: '2026-01-01T00:00:00Z', resource: {{memory: 1}}, plugins: {{}}, \
             meta: {{version: 0.0.1, arch: [], runner: {{language: python, version: '3.12', entrypoint: main}}}}}}"
        ))
        .unwrap();
        let identity = format!("{{author: me, name: p, label: {one}, description: {one}, icon: i.svg}}");
        let oauth = format!("{{client_schema: [{credential}], credentials_schema: [{credential}]}}");
        let tools = parse_tool_provider(&format!(
            "{{identity: {identity}, credentials_for_provider: [{credential}], oauth_schema: {oauth}, tools: []}}"
        ))
        .unwrap();
        let drives = parse_datasource_provider(&format!(
            "{{identity: {identity}, credentials_schema: [{credential}], provider_type: online_drive, datasources: []}}"
        ))
        .unwrap();
        let datasource = parse_datasource(&format!(
            "{{identity: {{author: me, name: p, label: {one}}}, description: {one}, \
             parameters: [{{name: depth, type: number, label: {one}, description: {one}}}]}}"
        ))
        .unwrap();
        // Every text lacks three languages.
        assert_eq!(check_texts(&manifest).len(), 3 * 2);
        assert_eq!(check_texts(&tools).len(), 3 * (2 + 3 * 4));
        assert_eq!(check_texts(&drives).len(), 3 * (2 + 4));
        assert_eq!(check_texts(&datasource).len(), 3 * 4);
        assert!(said(&drives).contains(&"credentials_schema.key.help has no ja_JP".to_owned()));
    }
}
