//! What was measured.

use crate::series::Series;

/// All figures of one run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) figures: Vec<Figure>,
    pub(crate) series: Vec<Series>,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// One figure, on both sides.
#[derive(Debug)]
pub(crate) struct Figure {
    /// For people: "start to heartbeat, bare".
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// One sample for each round.
    pub(crate) ours: Vec<f64>,
    /// As many, in the same order; none when there is no peer.
    pub(crate) peer: Vec<f64>,
    /// What the machine or a plain tool does: its name, and samples.
    pub(crate) beside: Option<(&'static str, Vec<f64>)>,
    /// What ours is held to.
    pub(crate) limit: Option<f64>,
    /// How many times better than the peer ours is held to be.
    pub(crate) ratio: Option<f64>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, better: Better) -> Self {
        Self {
            name: name.into(),
            unit,
            better,
            ours: Vec::new(),
            peer: Vec::new(),
            beside: None,
            limit: None,
            ratio: None,
        }
    }

    pub(crate) fn held_to(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn times_better(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// How many times better ours is: the median over the rounds.
    pub(crate) fn measured_ratio(&self) -> Option<f64> {
        let ratios: Vec<f64> =
            self.ours.iter().zip(&self.peer).map(|(ours, peer)| self.advantage(*ours, *peer)).collect();
        median(&ratios)
    }

    fn advantage(&self, ours: f64, peer: f64) -> f64 {
        match self.better {
            Better::Lower => peer / ours,
            Better::Higher => ours / peer,
        }
    }

    /// Whether ours is what it is held to be, where it is held to something that was measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let ours = median(&self.ours)?;
        let limit = self.limit.map(|limit| match self.better {
            Better::Lower => ours <= limit,
            Better::Higher => ours >= limit,
        });
        let ratio = self.ratio.zip(self.measured_ratio()).map(|(target, measured)| measured >= target);
        match (limit, ratio) {
            (None, other) | (other, None) => other,
            (Some(limit), Some(ratio)) => Some(limit && ratio),
        }
    }
}

/// The middle value.
pub(crate) fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

/// The interquartile range as a part of the median.
pub(crate) fn spread(samples: &[f64]) -> Option<f64> {
    let range = quantile(samples, 0.75)? - quantile(samples, 0.25)?;
    median(samples).filter(|median| *median != 0.0).map(|median| (range / median).abs())
}

/// Between two samples, on the line that joins them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the number of samples")]
fn quantile(samples: &[f64], part: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len().checked_sub(1)?) as f64 * part;
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_spread_of_few_samples() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(spread(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some(2.0 / 3.0));
        assert_eq!(spread(&[0.0]), None);
    }

    #[test]
    fn the_ratio_is_that_of_the_rounds() {
        let mut figure = Figure::new("start", "ms", Better::Lower).held_to(4.0).times_better(300.0);
        figure.ours = vec![3.0, 30.0, 3.0];
        assert_eq!(figure.measured_ratio(), None);
        assert_eq!(figure.is_met(), Some(true), "without a peer the limit alone counts");
        figure.peer = vec![1200.0, 12_000.0, 600.0];
        assert_eq!(figure.measured_ratio(), Some(400.0));
        assert_eq!(figure.is_met(), Some(true));
        figure.ours = vec![5.0];
        assert_eq!(figure.is_met(), Some(false));
    }

    #[test]
    fn more_may_be_better() {
        let mut figure = Figure::new("blobs", "MB/s", Better::Higher).held_to(700.0).times_better(10.0);
        figure.ours = vec![800.0];
        figure.peer = vec![100.0];
        assert_eq!(figure.measured_ratio(), Some(8.0));
        assert_eq!(figure.is_met(), Some(false));
    }
}
