pub(crate) mod stdio;
