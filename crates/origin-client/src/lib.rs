//! An HTTP client that talks to one origin and to nobody else.
