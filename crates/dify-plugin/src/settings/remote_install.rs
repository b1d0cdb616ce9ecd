use secrecy::SecretString;

use super::{SettingsError, Variables};

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 5003;

/// Where the daemon's debugging server is, and the key that it knows a workspace by.
#[derive(Debug)]
pub(crate) struct RemoteInstall {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) key: SecretString,
}

impl RemoteInstall {
    /// `REMOTE_INSTALL_URL`, else `REMOTE_INSTALL_HOST` and `REMOTE_INSTALL_PORT`; and `REMOTE_INSTALL_KEY`.
    pub(super) fn of(variables: &Variables) -> Result<Self, SettingsError> {
        let (host, port) = match variables.get("REMOTE_INSTALL_URL")? {
            Some(url) => address(&url).ok_or(SettingsError::Invalid {
                variable: "REMOTE_INSTALL_URL",
                expected: "host:port, such as debug.example.com:5003",
                value: without_user(&url),
            })?,
            None => {
                let host = variables.get("REMOTE_INSTALL_HOST")?.unwrap_or_else(|| DEFAULT_HOST.to_owned());
                (without_brackets(&host).to_owned(), port(variables)?)
            }
        };
        let key = variables.get("REMOTE_INSTALL_KEY")?.ok_or(SettingsError::Missing {
            install_method: "remote",
            variable: "REMOTE_INSTALL_KEY",
            hint: "the key that Dify shows on its Plugins page, behind the bug icon",
        })?;
        Ok(Self { host, port, key: key.into() })
    }
}

fn port(variables: &Variables) -> Result<u16, SettingsError> {
    let Some(text) = variables.get("REMOTE_INSTALL_PORT")? else { return Ok(DEFAULT_PORT) };
    parse_port(&text).ok_or(SettingsError::Invalid {
        variable: "REMOTE_INSTALL_PORT",
        value: text,
        expected: "a port: a number between 1 and 65535",
    })
}

/// Host and port of `host:port`, which may stand behind a scheme and before a path, as in `tcp://host:port/`.
fn address(url: &str) -> Option<(String, u16)> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = authority.rsplit_once(':')?;
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let bare = without_brackets(host);
    let is_host = !bare.is_empty()
        && (is_bracketed || !bare.contains(':'))
        && !bare.contains(|c: char| c == '@' || c == '[' || c == ']' || c.is_whitespace() || c.is_control());
    Some((bare.to_owned(), parse_port(port)?)).filter(|_| is_host)
}

fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// A URL may carry a password, though none is of use here.
fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("(user)@{rest}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn remote(file: &str) -> Result<RemoteInstall, String> {
        RemoteInstall::of(&Variables::of_file(file).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_address_in_one_variable_or_two() {
        for (file, host, port) in [
            ("", "localhost", 5003),
            ("REMOTE_INSTALL_HOST=dify.lan", "dify.lan", 5003),
            ("REMOTE_INSTALL_HOST=dify.lan\nREMOTE_INSTALL_PORT=15003", "dify.lan", 15003),
            ("REMOTE_INSTALL_HOST=[::1]", "::1", 5003),
            ("REMOTE_INSTALL_URL=debug.dify.ai:5003", "debug.dify.ai", 5003),
            ("REMOTE_INSTALL_URL=tcp://10.0.0.2:5004/", "10.0.0.2", 5004),
            ("REMOTE_INSTALL_URL=https://dify.lan:5004/a?b:1", "dify.lan", 5004),
            ("REMOTE_INSTALL_URL=[fe80::1]:5003", "fe80::1", 5003),
            ("REMOTE_INSTALL_URL=a:1\nREMOTE_INSTALL_HOST=b\nREMOTE_INSTALL_PORT=2", "a", 1),
            ("REMOTE_INSTALL_URL=\nREMOTE_INSTALL_HOST=b\nREMOTE_INSTALL_PORT=2", "b", 2),
        ] {
            let remote = remote(&format!("{file}\nREMOTE_INSTALL_KEY=k")).unwrap();
            assert_eq!((remote.host.as_str(), remote.port), (host, port), "{file}");
            assert_eq!(remote.key.expose_secret(), "k");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for url in ["dify.lan", ":5003", "dify.lan:", "dify.lan:0", "dify.lan:70000", "::1:5003", "tcp://dify.lan"] {
            let error = remote(&format!("REMOTE_INSTALL_URL={url}\nREMOTE_INSTALL_KEY=k")).unwrap_err();
            assert_eq!(error, format!("REMOTE_INSTALL_URL={url} is not host:port, such as debug.example.com:5003"));
        }
        let error = remote("REMOTE_INSTALL_URL=http://me:secret@dify.lan:5003\nREMOTE_INSTALL_KEY=k").unwrap_err();
        assert!(error.starts_with("REMOTE_INSTALL_URL=(user)@dify.lan:5003 is not host:port"), "{error}");
        let error = remote("REMOTE_INSTALL_PORT=high\nREMOTE_INSTALL_KEY=k").unwrap_err();
        assert_eq!(error, "REMOTE_INSTALL_PORT=high is not a port: a number between 1 and 65535");
    }

    #[test]
    fn without_a_key_it_says_where_keys_are() {
        assert_eq!(
            remote("REMOTE_INSTALL_KEY=").unwrap_err(),
            "INSTALL_METHOD=remote needs REMOTE_INSTALL_KEY: the key that Dify shows on its Plugins page, behind the \
             bug icon"
        );
    }

    #[test]
    fn the_key_is_in_no_debug_text() {
        let remote = remote("REMOTE_INSTALL_KEY=the-secret-key").unwrap();
        assert!(!format!("{remote:?}").contains("the-secret-key"));
    }
}
