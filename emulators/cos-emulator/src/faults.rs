//! Faults on demand: the network and the server as they are on a bad day.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

/// More rules than any test needs; further ones are dropped.
const MAX_RULES: usize = 1000;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// GET Service.
    ListBuckets,
    /// GET Bucket.
    ListObjects,
    /// HEAD Bucket.
    HeadBucket,
    /// GET Object.
    GetObject,
    /// HEAD Object.
    HeadObject,
}

impl Operation {
    fn has_body(self) -> bool {
        matches!(self, Self::ListBuckets | Self::ListObjects | Self::GetObject)
    }

    fn is_list(self) -> bool {
        matches!(self, Self::ListBuckets | Self::ListObjects)
    }

    fn is_object(self) -> bool {
        matches!(self, Self::GetObject | Self::HeadObject)
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks after `after` bytes of the body. Any answer with
    /// a body longer than that.
    CutBody {
        /// Bytes that still come.
        after: u64,
    },
    /// `x-cos-hash-crc64ecma` does not fit the bytes. GET and HEAD Object.
    WrongCrc,
    /// `Content-Length` promises more bytes than come, then the connection
    /// is closed. Any answer with a body.
    ShortBody {
        /// Bytes too few.
        missing: u64,
    },
    /// The last bytes are not there and `Content-Length` fits what comes: only
    /// the CRC, the size of the object or `Content-Range` give it away. GET Object.
    MissingTail {
        /// Bytes left out.
        bytes: u64,
    },
    /// The body comes without a `Content-Length`, in chunks. Any answer with a body.
    NoContentLength,
    /// An error of this status, with this code in COS's XML. Any request.
    Status {
        /// For example 500.
        status: u16,
        /// For example `InternalError`.
        code: String,
    },
    /// 503 `SlowDown`. Any request.
    SlowDown,
    /// An error page of this status from something in front of COS, a gateway
    /// say: HTML, and no `x-cos-request-id`. Any request.
    Gateway {
        /// For example 502.
        status: u16,
    },
    /// The connection is open but nothing comes for so long. Any request.
    DelayHeaders(Duration),
    /// The body comes in pieces of `piece` bytes with a pause before each.
    /// Any answer with a body.
    SlowBody {
        /// Bytes of a piece; 0 counts as 1.
        piece: usize,
        /// Time before each.
        pause: Duration,
    },
    /// A list of which only the first `keep` bytes come, as if whole.
    TruncatedXml {
        /// Bytes that come.
        keep: usize,
    },
    /// A web page with status 200, as captive portals send. Any answer with a body.
    HtmlInsteadOfXml,
    /// The server's clock is off by so many seconds: a signature that is
    /// valid now is refused as too early (negative) or expired (positive).
    ClockSkew {
        /// Seconds added to the true time.
        seconds: i64,
    },
    /// Right after this answer was begun the object is another one: the next
    /// range comes from these bytes, under another ETag. GET Object.
    ReplaceObject(Bytes),
}

impl Fault {
    /// The same fault so many times in a row.
    #[must_use]
    pub fn times(self, times: u32) -> FaultRule {
        FaultRule::from(self).times(times)
    }

    /// Only for this operation.
    #[must_use]
    pub fn on(self, operation: Operation) -> FaultRule {
        FaultRule::from(self).on(operation)
    }

    /// Only for this object key.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> FaultRule {
        FaultRule::from(self).key(key)
    }

    /// Only for hosts that end like this.
    #[must_use]
    pub fn host(self, end: impl Into<String>) -> FaultRule {
        FaultRule::from(self).host(end)
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(self, requests: u32) -> FaultRule {
        FaultRule::from(self).after(requests)
    }

    fn concerns(&self, operation: Operation) -> bool {
        match self {
            Self::CutBody { .. }
            | Self::ShortBody { .. }
            | Self::NoContentLength
            | Self::SlowBody { .. }
            | Self::HtmlInsteadOfXml => operation.has_body(),
            Self::TruncatedXml { .. } => operation.is_list(),
            Self::WrongCrc => operation.is_object(),
            Self::MissingTail { .. } | Self::ReplaceObject(_) => operation == Operation::GetObject,
            Self::Status { .. }
            | Self::SlowDown
            | Self::Gateway { .. }
            | Self::DelayHeaders(_)
            | Self::ClockSkew { .. } => true,
        }
    }
}

/// A [`Fault`], how often it happens, and to which requests.
///
/// ```
/// use cos_emulator::{Fault, Operation};
///
/// let rule = Fault::CutBody { after: 4096 }
///     .times(3)
///     .on(Operation::GetObject)
///     .key("reports/2024.pdf");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    fault: Fault,
    times: u32,
    after: u32,
    operation: Option<Operation>,
    key: Option<String>,
    host: Option<String>,
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self { fault, times: 1, after: 0, operation: None, key: None, host: None }
    }
}

impl FaultRule {
    /// So many times; once, unless said.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Only for this operation.
    #[must_use]
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Only for this object key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only for hosts that end like this; a port counts as part of the host.
    #[must_use]
    pub fn host(mut self, end: impl Into<String>) -> Self {
        self.host = Some(end.into());
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    fn matches(&self, operation: Operation, host: &str, key: Option<&str>) -> bool {
        self.fault.concerns(operation)
            && self.operation.is_none_or(|wanted| wanted == operation)
            && self.key.as_deref().is_none_or(|wanted| Some(wanted) == key)
            && self.host.as_deref().is_none_or(|end| host.ends_with(end))
    }
}

/// A handle to the faults of a running emulator; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<FaultRule>>>);

impl Faults {
    /// Adds a rule. A request meets every rule that fits it.
    pub fn inject(&self, rule: impl Into<FaultRule>) {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rules.len() < MAX_RULES {
            rules.push(rule.into());
        }
    }

    /// Drops all rules.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many faults have still to happen: 0 when a test used them all up.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().map(|rule| u64::from(rule.times)).sum()
    }

    /// The faults that this request meets; they count as happened.
    pub(crate) fn take(&self, operation: Operation, host: &str, key: Option<&str>) -> Vec<Fault> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut met = Vec::new();
        for rule in rules.iter_mut() {
            if !rule.matches(operation, host, key) || rule.times == 0 {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
            } else {
                rule.times -= 1;
                met.push(rule.fault.clone());
            }
        }
        rules.retain(|rule| rule.times > 0);
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_happens_as_often_as_said_and_where() {
        let faults = Faults::default();
        faults.inject(Fault::SlowDown.times(2).after(1).on(Operation::GetObject).key("a"));
        let take = |operation, key| faults.take(operation, "h", key).len();
        assert_eq!(take(Operation::HeadObject, Some("a")), 0);
        assert_eq!(take(Operation::GetObject, Some("b")), 0);
        assert_eq!(take(Operation::GetObject, Some("a")), 0);
        assert_eq!(faults.pending(), 2);
        assert_eq!(take(Operation::GetObject, Some("a")), 1);
        assert_eq!(take(Operation::GetObject, Some("a")), 1);
        assert_eq!(take(Operation::GetObject, Some("a")), 0);
        assert_eq!(faults.pending(), 0);
    }

    #[test]
    fn a_fault_waits_for_a_request_that_it_can_befall() {
        let faults = Faults::default();
        faults.inject(Fault::WrongCrc);
        faults.inject(Fault::TruncatedXml { keep: 3 });
        assert!(faults.take(Operation::HeadBucket, "h", None).is_empty());
        assert_eq!(faults.take(Operation::ListObjects, "h", None), [Fault::TruncatedXml { keep: 3 }]);
        assert_eq!(faults.take(Operation::HeadObject, "h", Some("a")), [Fault::WrongCrc]);
    }

    #[test]
    fn a_fault_of_one_host_spares_others() {
        let faults = Faults::default();
        faults.inject(Fault::Gateway { status: 502 }.host("myqcloud.com"));
        assert!(faults.take(Operation::ListObjects, "b.cos.r.tencentcos.cn", None).is_empty());
        assert_eq!(faults.take(Operation::ListObjects, "b.cos.r.myqcloud.com", None).len(), 1);
    }

    #[test]
    fn clones_share_their_rules() {
        let faults = Faults::default();
        faults.clone().inject(Fault::SlowDown.times(7));
        assert_eq!(faults.pending(), 7);
        faults.clear();
        assert_eq!(faults.pending(), 0);
    }
}
