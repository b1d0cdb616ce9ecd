pub(crate) mod lines;
pub(crate) mod remote;
pub(crate) mod serverless;
pub(crate) mod stdio;
pub(crate) mod stop_signal;
pub(crate) mod workers;
