//! The figures as a picture: bars on a logarithmic scale, and below them how cost grows. Written by hand: it is text, and a
//! plotting crate would bring more code than all of the benchmark has.

use std::fmt::Write;

use crate::figure::{Better, Figure, Report, median};
use crate::machine::Machine;
use crate::series::Series;
use crate::table::number;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 350.0;
const BARS: f64 = 340.0;
const ROW: f64 = 40.0;
const TOP: f64 = 90.0;
const PANEL: f64 = 220.0;
const OURS: &str = "#c2410c";
const PEER: &str = "#94a3b8";
const INK: &str = "#1f2937";

pub(crate) fn of(report: &Report, machine: &Machine) -> String {
    // Those that are held to something; the table has them all.
    let is_shown = |figure: &&Figure| !figure.peer.is_empty() && (figure.limit.is_some() || figure.ratio.is_some());
    let figures: Vec<&Figure> = report.figures.iter().filter(is_shown).collect();
    let bars = TOP + figures.len() as f64 * ROW;
    let panels = if report.series.is_empty() { 0.0 } else { (report.series.len() as f64 / 3.0).ceil() * PANEL };
    let height = bars + panels + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" fill=\"{INK}\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    text(&mut svg, 20.0, 26.0, "start", "Native plugins beside Python plugins on the official SDK");
    let _ = write!(svg, "<g font-size=\"11\">");
    text(&mut svg, 20.0, 44.0, "start", &machine.to_string());
    let scales = "All scales are logarithmic: a quarter of a bar is a decade, and cost that rises at 45° is linear.";
    text(&mut svg, 20.0, 60.0, "start", scales);
    let _ = writeln!(svg, "</g>");
    for (x, colour, name) in [(LABELS, OURS, "ours"), (LABELS + 70.0, PEER, "Python")] {
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"72\" width=\"10\" height=\"10\" fill=\"{colour}\"/>");
        text(&mut svg, x + 15.0, 81.0, "start", name);
    }
    for (row, figure) in figures.iter().enumerate() {
        bar(&mut svg, TOP + row as f64 * ROW, figure);
    }
    for (place, series) in report.series.iter().enumerate() {
        let (x, y) = ((place % 3) as f64 * (WIDTH / 3.0), bars + (place / 3) as f64 * PANEL);
        panel(&mut svg, x, y, series);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Each pair has a scale of its own: the longer bar is as long as there is room, the shorter one a decade less for each
/// quarter of it.
fn bar(svg: &mut String, y: f64, figure: &Figure) {
    let (Some(ours), Some(peer)) = (median(&figure.ours), median(&figure.peer)) else { return };
    text(svg, LABELS - 10.0, y + 22.0, "end", &figure.name);
    let longest = ours.max(peer);
    for (line, colour, value) in [(0.0, OURS, ours), (1.0, PEER, peer)] {
        let width = (BARS * (1.0 + (value / longest).log10() / 4.0)).clamp(2.0, BARS);
        let y = y + 4.0 + line * 15.0;
        let _ = writeln!(svg, "<rect x=\"{LABELS}\" y=\"{y}\" width=\"{width:.1}\" height=\"13\" fill=\"{colour}\"/>");
        text(svg, LABELS + width + 6.0, y + 11.0, "start", &format!("{} {}", number(value), figure.unit));
    }
    if let Some(ratio) = figure.measured_ratio() {
        let how = match figure.better {
            Better::Lower => "less",
            Better::Higher => "more",
        };
        text(svg, WIDTH - 10.0, y + 22.0, "end", &format!("{} × {how}", number(ratio)));
    }
}

/// Both axes logarithmic: a line at 45 degrees is linear cost.
fn panel(svg: &mut String, x: f64, y: f64, series: &Series) {
    const SIDE: f64 = 130.0;
    let (left, bottom) = (x + 80.0, y + PANEL - 45.0);
    let decades = |values: Vec<f64>| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min).log10().floor();
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max).log10().ceil();
        (low, (high - low).max(3.0))
    };
    let points: Vec<_> = series.points.iter().copied().filter(|(size, cost)| *size > 0.0 && *cost > 0.0).collect();
    if points.is_empty() {
        return;
    }
    let (x0, columns) = decades(points.iter().map(|point| point.0).collect());
    let (y0, rows) = decades(points.iter().map(|point| point.1).collect());
    let side = columns.max(rows);
    let at = |(size, cost): (f64, f64)| {
        (left + (size.log10() - x0) / side * SIDE, bottom - (cost.log10() - y0) / side * SIDE)
    };
    text(svg, left, bottom - SIDE - 12.0, "start", series.name);
    let _ = writeln!(
        svg,
        "<path d=\"M{left} {} V{bottom} H{}\" fill=\"none\" stroke=\"{INK}\"/>",
        bottom - SIDE,
        left + SIDE
    );
    let line: Vec<_> = points.iter().map(|point| at(*point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ =
        writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{OURS}\" stroke-width=\"2\"/>", line.join(" "));
    for point in &points {
        let (x, y) = at(*point);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{OURS}\"/>");
    }
    let _ = write!(svg, "<g font-size=\"11\">");
    let mut labelled: Option<f64> = None;
    for (point, anchor) in points.last().map(|p| (p, "middle")).into_iter().chain(points.first().map(|p| (p, "start")))
    {
        let (x, y) = at(*point);
        text(svg, x, bottom + 15.0, anchor, &number(point.0));
        // Two costs that are nearly the same have no room for two labels.
        if labelled.is_none_or(|other| (other - y).abs() > 12.0) {
            text(svg, left - 6.0, y + 4.0, "end", &format!("{} {}", number(point.1), series.unit));
            labelled = Some(y);
        }
    }
    text(svg, left + SIDE / 2.0, bottom + 30.0, "middle", series.of);
    let _ = writeln!(svg, "</g>");
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}
