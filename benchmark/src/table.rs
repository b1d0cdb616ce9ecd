//! The figures as a Markdown table.

use std::fmt::Write;

use crate::figure::{Figure, Report, median, spread};

pub(crate) fn of(report: &Report) -> String {
    let mut rows = vec![["figure", "ours", "peer", "ratio", "spread", "beside", "target", "met"].map(str::to_owned)];
    rows.push(["---", "---:", "---:", "---:", "---:", "---:", "---:", "---"].map(str::to_owned));
    rows.extend(report.figures.iter().map(row));
    let mut text = String::new();
    for cells in rows {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    if !report.series.is_empty() {
        text.push('\n');
    }
    for series in &report.series {
        let points: Vec<_> =
            series.points.iter().map(|(size, cost)| format!("{} at {}", number(*cost), number(*size))).collect();
        let _ = write!(text, "{} ({} by {}): {}", series.name, series.unit, series.of, points.join(", "));
        if let (Some(slope), Some(exponent)) = (series.slope(), series.exponent()) {
            let _ = write!(text, "; {slope:.3e} {} for each, growth in the last decade ^{exponent:.2}", series.unit);
        }
        text.push('\n');
    }
    text
}

fn row(figure: &Figure) -> [String; 8] {
    let or_empty = |value: Option<String>| value.unwrap_or_default();
    let middle = |samples: &[f64]| or_empty(median(samples).map(number));
    let spreads: Vec<_> = [&figure.ours, &figure.peer]
        .into_iter()
        .filter(|samples| samples.len() > 1)
        .filter_map(|samples| spread(samples))
        .map(|spread| format!("{:.0} %", spread * 100.0))
        .collect();
    let beside = figure.beside.as_ref();
    let beside = beside.and_then(|(name, samples)| Some(format!("{name}: {}", number(median(samples)?))));
    let sign = if figure.better == crate::figure::Better::Lower { "≤" } else { "≥" };
    let limit = figure.limit.map(|limit| format!("{sign} {}", number(limit)));
    let ratio = figure.ratio.map(|ratio| format!("≥ {} ×", number(ratio)));
    let targets: Vec<_> = [limit, ratio].into_iter().flatten().collect();
    [
        format!("{}, {}", figure.name, figure.unit),
        middle(&figure.ours),
        middle(&figure.peer),
        or_empty(figure.measured_ratio().map(|ratio| format!("{} ×", number(ratio)))),
        spreads.join(" / "),
        or_empty(beside),
        targets.join(", "),
        or_empty(figure.is_met().map(|met| if met { "yes" } else { "**no**" }.to_owned())),
    ]
}

/// Three digits that say something.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 99.95 => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Better;

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.0123, 1.5, 12.34, 123.4, 1234.5, 1_234_567.0, -1234.0];
        assert_eq!(numbers.map(number), ["0", "0.012", "1.50", "12.3", "123", "1,234", "1,234,567", "-1,234"]);
    }

    #[test]
    fn a_row_says_what_was_aimed_at() {
        let mut figure = Figure::new("start", "ms", Better::Lower).held_to(4.0).times_better(300.0);
        figure.ours = vec![3.0];
        figure.peer = vec![600.0];
        figure.beside = Some(("bare", vec![2.0]));
        assert_eq!(row(&figure).join("|"), "start, ms|3.00|600|200 ×||bare: 2.00|≤ 4.00, ≥ 300 ×|**no**");
    }
}
