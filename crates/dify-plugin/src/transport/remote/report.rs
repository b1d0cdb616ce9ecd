use std::time::Duration;

use super::ending::Ending;
use super::persistence::GivingUp;

/// Tells the person who started the plugin how it stands, one line for each change, on standard error.
#[derive(Debug)]
pub(super) struct Report {
    plugin: String,
    server: String,
}

impl Report {
    pub(super) fn new(name: &str, version: &str, host: &str, port: u16) -> Self {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Self { plugin: format!("{name} {version}"), server: format!("{host}:{port}") }
    }

    fn line(&self, text: &str) {
        eprintln!("{}: {text}", self.plugin);
    }

    pub(super) fn connected(&self) {
        self.line(&format!("connected to {}", self.server));
    }

    pub(super) fn registered(&self) {
        self.line("registered: Dify shows it among the plugins of the key's workspace; press Ctrl-C to end it");
    }

    pub(super) fn retrying(&self, ending: &Ending, after: Duration) {
        let ending = self.ending(ending);
        self.line(&format!("{ending}; trying again in {:.1} s", after.as_secs_f64()));
    }

    pub(super) fn stopped(&self) {
        self.line("stopped");
    }

    fn ending(&self, ending: &Ending) -> String {
        let server = &self.server;
        match ending {
            Ending::NotConnected { reason } => format!("cannot connect to {server}: {reason}"),
            Ending::Refused { text } => format!("{server} says: {text}"),
            Ending::HungUp => format!("{server} hung up without a word"),
            Ending::Lost { reason, calls: 0 } => format!("lost the connection to {server}: {reason}"),
            Ending::Lost { reason, calls } => {
                format!("lost the connection to {server}, and {calls} of Dify's calls with it: {reason}")
            }
        }
    }

    /// The text with which the process ends.
    pub(super) fn giving_up(&self, why: &GivingUp) -> String {
        let Self { plugin, server } = self;
        match why {
            GivingUp::Key { text } => {
                format!("{plugin}: the Dify at {server} does not know the key ({text}). {FRESH_KEY}.")
            }
            GivingUp::Declaration { text } => format!("{plugin}: {server} refuses the plugin: {text}"),
            GivingUp::HungUp { times } => format!(
                "{plugin}: {server} hung up {times} times without a word. Either the key is wrong or too old: {FRESH_KEY}. \
                 Or this is not the port on which Dify takes plugins for debugging, 5003 unless configured."
            ),
        }
    }
}

/// What to do about a key. How long it lives: dify-plugin-daemon,
/// `internal/service/debugging_service/connection_key.go`.
const FRESH_KEY: &str = "Keys live 120 minutes: copy a fresh one from Dify's Plugins page, behind the bug icon, into \
                         REMOTE_INSTALL_KEY, and start the plugin again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_one_line_that_names_the_server() {
        let report = Report::new("greeter", "1.0.0", "::1", 5003);
        let text = "handshake failed, invalid key".to_owned();
        for text in [
            report.giving_up(&GivingUp::Key { text: text.clone() }),
            report.giving_up(&GivingUp::Declaration { text: text.clone() }),
            report.giving_up(&GivingUp::HungUp { times: 3 }),
            report.ending(&Ending::HungUp),
            report.ending(&Ending::Refused { text }),
            report.ending(&Ending::NotConnected { reason: "refused".to_owned() }),
            report.ending(&Ending::Lost { reason: "reset".to_owned(), calls: 0 }),
            report.ending(&Ending::Lost { reason: "reset".to_owned(), calls: 2 }),
        ] {
            assert!(text.contains("[::1]:5003") && !text.contains('\n'), "{text}");
        }
    }
}
