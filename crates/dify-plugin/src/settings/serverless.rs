use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use dify_plugin_protocol::limits::CALLS_IN_FLIGHT;
use url::Url;

use super::{SettingsError, Variables};

const DEFAULT_HOST: &str = "0.0.0.0";
const DEFAULT_PORT: u16 = 8080;

/// The SDK's `MAX_REQUEST_TIMEOUT`.
const DEFAULT_SILENCE: u64 = 300;

/// Where a plugin listens that is asked over HTTP, and what it takes on.
pub(crate) struct ServerlessSettings {
    /// `SERVERLESS_HOST`: an address or a name; all addresses unless set.
    pub(crate) host: String,
    /// `SERVERLESS_PORT`; 8080 unless set. 0 is a free one of the system's choice.
    pub(crate) port: u16,
    /// `MAX_WORKER`: calls at work at once; 1000 unless set.
    pub(crate) calls: usize,
    /// `MAX_REQUEST_TIMEOUT`, in seconds: how long a call may say nothing, and how long its reader may take nothing;
    /// 300 unless set.
    pub(crate) silence: Duration,
    /// `DIFY_PLUGIN_DAEMON_URL`: where calls back into Dify go.
    pub(crate) daemon_url: Option<Url>,
}

/// Without the URL, in which a password may stand.
impl fmt::Debug for ServerlessSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerlessSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("calls", &self.calls)
            .field("silence", &self.silence)
            .finish_non_exhaustive()
    }
}

impl ServerlessSettings {
    pub(super) fn of(variables: &Variables) -> Result<Self, SettingsError> {
        let expected = "a port: a number between 0 and 65535";
        let port = number(variables, "SERVERLESS_PORT", 0..=u16::MAX, expected)?;
        let expected = "a number of calls between 1 and 100000";
        let calls = number(variables, "MAX_WORKER", 1..=100_000, expected)?;
        let expected = "a number of seconds between 1 and 86400";
        let silence = number(variables, "MAX_REQUEST_TIMEOUT", 1..=86_400, expected)?;
        Ok(Self {
            host: variables.get("SERVERLESS_HOST")?.unwrap_or_else(|| DEFAULT_HOST.to_owned()),
            port: port.unwrap_or(DEFAULT_PORT),
            calls: calls.unwrap_or(CALLS_IN_FLIGHT),
            silence: Duration::from_secs(silence.unwrap_or(DEFAULT_SILENCE)),
            daemon_url: daemon_url(variables)?,
        })
    }
}

fn number<T: FromStr + PartialOrd>(
    variables: &Variables,
    variable: &'static str,
    range: RangeInclusive<T>,
    expected: &'static str,
) -> Result<Option<T>, SettingsError> {
    let Some(value) = variables.get(variable)? else { return Ok(None) };
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(SettingsError::Invalid { variable, value, expected }),
    }
}

fn daemon_url(variables: &Variables) -> Result<Option<Url>, SettingsError> {
    let variable = "DIFY_PLUGIN_DAEMON_URL";
    let Some(text) = variables.get(variable)? else { return Ok(None) };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(Some(url)),
        _ => Err(SettingsError::Invalid {
            variable,
            // What stands before an @ may be a password.
            value: text.rsplit('@').next().unwrap_or_default().to_owned(),
            expected: "the address of Dify's plugin daemon, such as http://plugin-daemon:5002",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str) -> Result<ServerlessSettings, String> {
        ServerlessSettings::of(&Variables::of_file(file).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_what_the_official_sdk_has() {
        let settings = settings("").unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("0.0.0.0", 8080));
        assert_eq!((settings.calls, settings.silence), (1000, Duration::from_secs(300)));
        assert_eq!(settings.daemon_url, None);
    }

    #[test]
    fn what_is_set_counts() {
        let file = "SERVERLESS_HOST=::1\nSERVERLESS_PORT=0\nMAX_WORKER=7\nMAX_REQUEST_TIMEOUT=20\n\
                    DIFY_PLUGIN_DAEMON_URL=http://daemon:5002/base\n";
        let settings = settings(file).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("::1", 0));
        assert_eq!((settings.calls, settings.silence), (7, Duration::from_secs(20)));
        assert_eq!(settings.daemon_url.unwrap().as_str(), "http://daemon:5002/base");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (line, error) in [
            ("SERVERLESS_PORT=70000", "SERVERLESS_PORT=70000 is not a port: a number between 0 and 65535"),
            ("MAX_WORKER=0", "MAX_WORKER=0 is not a number of calls between 1 and 100000"),
            ("MAX_REQUEST_TIMEOUT=x", "MAX_REQUEST_TIMEOUT=x is not a number of seconds between 1 and 86400"),
            (
                "DIFY_PLUGIN_DAEMON_URL=user:secret@daemon:5002",
                "DIFY_PLUGIN_DAEMON_URL=daemon:5002 is not the address of Dify's plugin daemon, such as \
                 http://plugin-daemon:5002",
            ),
        ] {
            assert_eq!(settings(line).unwrap_err(), error);
        }
    }

    #[test]
    fn a_password_in_the_url_is_in_no_debug_text() {
        let settings = settings("DIFY_PLUGIN_DAEMON_URL=http://me:secret@daemon:5002").unwrap();
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
