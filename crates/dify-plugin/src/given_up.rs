//! The rights that the process gives up before it hears of the first request.

use crate::Plugin;

/// To be called before there is a second thread, and where the plugin listens, after it does.
pub(crate) fn give_up_rights(plugin: &Plugin) {
    if plugin.keeps_rights {
        tracing::debug!("no right was given up, as the plugin wishes");
        return;
    }
    let confinement = confinement::confine();
    tracing::debug!("rights given up in {} µs: {confinement}", confinement.took().as_micros());
    for missing in confinement.missing() {
        tracing::debug!("not offered here: {missing}");
    }
}
