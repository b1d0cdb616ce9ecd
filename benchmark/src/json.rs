//! The figures for programs.

use serde_json::{Value, json};

use crate::figure::{Better, Figure, Report, median, spread};
use crate::machine::Machine;
use crate::series::Series;

pub(crate) fn of(report: &Report, machine: &Machine, quick: bool) -> String {
    let figures: Vec<Value> = report.figures.iter().map(figure).collect();
    let series: Vec<Value> = report.series.iter().map(one_series).collect();
    let report = json!({"machine": machine, "quick": quick, "figures": figures, "series": series});
    format!("{report:#}\n")
}

fn figure(figure: &Figure) -> Value {
    let side = |samples: &[f64]| {
        median(samples).map(|median| json!({"median": median, "spread": spread(samples), "samples": samples}))
    };
    let beside = figure.beside.as_ref().map(|(name, samples)| json!({"name": name, "median": median(samples)}));
    json!({
        "name": figure.name,
        "unit": figure.unit,
        "better": match figure.better { Better::Lower => "lower", Better::Higher => "higher" },
        "ours": side(&figure.ours),
        "peer": side(&figure.peer),
        "ratio": figure.measured_ratio(),
        "beside": beside,
        "limit": figure.limit,
        "wanted_ratio": figure.ratio,
        "met": figure.is_met(),
    })
}

fn one_series(series: &Series) -> Value {
    json!({
        "name": series.name,
        "of": series.of,
        "unit": series.unit,
        "points": series.points,
        "slope": series.slope(),
        "exponent": series.exponent(),
    })
}
