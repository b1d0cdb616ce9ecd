//! What the environment says, under the names of the official SDK (`DifyPluginEnv` in its `config.py`).

mod remote_install;
mod serverless;
mod variables;

use std::time::Duration;

use dify_plugin_protocol::limits;
use tracing_subscriber::filter::LevelFilter;

pub(crate) use self::remote_install::RemoteInstall;
pub(crate) use self::serverless::ServerlessSettings;
pub(crate) use self::variables::Variables;

/// The daemon gives up a plugin that was silent for 60 seconds, so a longer pause would be no heartbeat.
const HEARTBEAT_INTERVALS: std::ops::RangeInclusive<f64> = 0.01..=50.0;

/// How a plugin serves Dify.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `INSTALL_METHOD`.
    pub(crate) install_method: InstallMethod,
    /// `HEARTBEAT_INTERVAL`, in seconds; 10 unless set.
    pub(crate) heartbeat_interval: Duration,
    /// `PLUGIN_MAX_FILE_SIZE`: the largest file, in bytes, that Dify merges from chunks.
    pub(crate) merged_file_limit: u64,
    /// `LOG_LEVEL`; `warn` unless set.
    pub(crate) log_level: LevelFilter,
}

/// The transport.
#[derive(Debug)]
pub(crate) enum InstallMethod {
    /// Standard input and output; started by the daemon. The default.
    Local,
    /// A connection to the daemon's debugging server.
    Remote(RemoteInstall),
    /// An HTTP server that the daemon asks.
    Serverless(ServerlessSettings),
}

/// Why the settings cannot be used. Carries no value of a secret variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A variable that this install method needs.
    #[error("INSTALL_METHOD={install_method} needs {variable}: {hint}")]
    Missing { install_method: &'static str, variable: &'static str, hint: &'static str },
    /// A value that does not fit.
    #[error("{variable}={value} is not {expected}")]
    Invalid { variable: &'static str, value: String, expected: &'static str },
    /// A value that is not UTF-8. It is not shown.
    #[error("the value of {0} is not UTF-8 text")]
    NotText(&'static str),
    /// A line of the `.env` file of the working directory, by the name of the variable before it.
    #[error(
        ".env: a line after {after} cannot be read; it must be NAME=value, with a value of several words in double quotes"
    )]
    Line { after: String },
    /// The `.env` file as a whole.
    #[error(".env: {0}")]
    File(String),
}

impl Settings {
    /// From the environment and, for what is not set there, the `.env` file of the working directory.
    pub(crate) fn read() -> Result<Self, SettingsError> {
        Self::of(&Variables::of_process()?)
    }

    fn of(variables: &Variables) -> Result<Self, SettingsError> {
        let install_method = variables.get("INSTALL_METHOD")?.unwrap_or_default();
        let install_method = match install_method.as_str() {
            "" | "local" => InstallMethod::Local,
            "remote" => InstallMethod::Remote(RemoteInstall::of(variables)?),
            "serverless" => InstallMethod::Serverless(ServerlessSettings::of(variables)?),
            _ => {
                let expected = "local, remote or serverless";
                return Err(SettingsError::Invalid { variable: "INSTALL_METHOD", value: install_method, expected });
            }
        };
        Ok(Self {
            install_method,
            heartbeat_interval: heartbeat_interval(variables)?,
            // Dify's and the operator's own; a value that means nothing here is theirs to judge.
            merged_file_limit: parsed(variables, "PLUGIN_MAX_FILE_SIZE")?.unwrap_or(limits::MERGED_FILE_OLDER),
            log_level: parsed(variables, "LOG_LEVEL")?.unwrap_or(LevelFilter::WARN),
        })
    }
}

fn heartbeat_interval(variables: &Variables) -> Result<Duration, SettingsError> {
    let Some(text) = variables.get("HEARTBEAT_INTERVAL")? else { return Ok(limits::HEARTBEAT_INTERVAL) };
    match text.parse() {
        Ok(seconds) if HEARTBEAT_INTERVALS.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(SettingsError::Invalid {
            variable: "HEARTBEAT_INTERVAL",
            value: text,
            expected: "a number of seconds between 0.01 and 50",
        }),
    }
}

fn parsed<T: std::str::FromStr>(variables: &Variables, name: &'static str) -> Result<Option<T>, SettingsError> {
    Ok(variables.get(name)?.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str) -> Result<Settings, SettingsError> {
        Settings::of(&Variables::of_file(file)?)
    }

    #[test]
    fn nothing_set_is_a_plugin_on_standard_input() {
        let settings = settings("").unwrap();
        assert!(matches!(settings.install_method, InstallMethod::Local));
        assert_eq!(settings.heartbeat_interval, Duration::from_secs(10));
        assert_eq!(settings.merged_file_limit, limits::MERGED_FILE_OLDER);
        assert_eq!(settings.log_level, LevelFilter::WARN);
    }

    #[test]
    fn what_is_set_counts() {
        let settings = settings("HEARTBEAT_INTERVAL=0.5\nPLUGIN_MAX_FILE_SIZE=52428800\nLOG_LEVEL=debug\n").unwrap();
        assert_eq!(settings.heartbeat_interval, Duration::from_millis(500));
        assert_eq!(settings.merged_file_limit, 52_428_800);
        assert_eq!(settings.log_level, LevelFilter::DEBUG);
    }

    #[test]
    fn a_heartbeat_that_the_daemon_would_not_wait_for_is_refused() {
        for text in ["0", "-1", "NaN", "inf", "60", "often"] {
            let error = settings(&format!("HEARTBEAT_INTERVAL={text}")).unwrap_err().to_string();
            assert_eq!(error, format!("HEARTBEAT_INTERVAL={text} is not a number of seconds between 0.01 and 50"));
        }
    }

    #[test]
    fn an_unknown_install_method_is_refused() {
        let error = settings("INSTALL_METHOD=carrier-pigeon").unwrap_err().to_string();
        assert_eq!(error, "INSTALL_METHOD=carrier-pigeon is not local, remote or serverless");
    }
}
