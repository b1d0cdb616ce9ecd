//! How cost grows.

/// A cost at growing sizes, over three decades.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// What grows, such as "MB".
    pub(crate) of: &'static str,
    /// What it costs, such as "ms".
    pub(crate) unit: &'static str,
    /// Size and cost.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    /// What one more costs, between the smallest and the largest.
    pub(crate) fn slope(&self) -> Option<f64> {
        let (first, last) = (self.points.first()?, self.points.last()?);
        Some((last.1 - first.1) / (last.0 - first.0)).filter(|slope| slope.is_finite())
    }

    /// The exponent of growth over the last decade: 1 where cost is linear, 0 where it is flat.
    pub(crate) fn exponent(&self) -> Option<f64> {
        let [.., (a, from), (b, to)] = self.points[..] else { return None };
        Some((to / from).ln() / (b / a).ln()).filter(|exponent| exponent.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told() {
        let points = |f: fn(f64) -> f64| [1.0, 10.0, 100.0].map(|size| (size, f(size))).to_vec();
        let series = |points| Series { name: "", of: "", unit: "", points };
        let linear = series(points(|size| 2.0 * size));
        assert_eq!(linear.slope(), Some(2.0));
        assert!((linear.exponent().unwrap() - 1.0).abs() < 1e-9);
        assert!(series(points(|_| 5.0)).exponent().unwrap().abs() < 1e-9);
        assert!((series(points(|size| size * size)).exponent().unwrap() - 2.0).abs() < 1e-9);
        assert_eq!(series(Vec::new()).slope(), None);
    }
}
