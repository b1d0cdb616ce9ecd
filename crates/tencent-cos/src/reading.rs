use http::Method;

/// All that can be asked of COS. The one place that sends takes this and no method, so that no call of this crate, and
/// none that is added to it, can express a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// An object, or a list.
    Get,
    /// What COS says of one, without it.
    Head,
}

impl Reading {
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_ask_is_safe() {
        // A new way would have to be added here, and to be safe (RFC 9110, section 9.2.1).
        for reading in [Reading::Get, Reading::Head] {
            match reading {
                Reading::Get | Reading::Head => assert!(reading.method().is_safe()),
            }
        }
    }
}
