//! What Dify's plugin daemon and a plugin say to each other: types and limits, no I/O.
