//! The editor's own node `PrimitiveNode`: its value goes into the widgets that it is linked to.

use serde_json::{Number, Value};

use super::graph::{Graph, Kind};
use super::widget::{Widget, WidgetKind};
use crate::NumberOptions;

/// A value for the widget of a node.
pub(super) struct Written {
    node: usize,
    widget: usize,
    value: Value,
}

/// What the graph's primitive nodes write into the widgets of the nodes that they are linked to. `replace` fills
/// templates in texts, for the nodes that ask for it. Muted ones write as well.
pub(super) fn written(graph: &Graph<'_>, replace: impl Fn(&str) -> String) -> Vec<Written> {
    let mut written = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        for slot in &node.inputs {
            let (Some(link), Some(widget)) = (&slot.link, slot.widget) else { continue };
            let origin = graph.links.get(link).and_then(|link| graph.node(&link.origin));
            let Some(primitive) = origin.filter(|origin| matches!(origin.kind, Kind::Primitive)) else { continue };
            let values = primitive.saved.widgets_values.as_ref().and_then(Value::as_array);
            let Some(value) = values.and_then(|values| values.first()) else { continue };
            let value = match value {
                Value::String(text) if primitive.saved.properties.replaces_values => Value::from(replace(text)),
                value => value.clone(),
            };
            written.push(Written { node: at, widget, value });
        }
    }
    written
}

/// Writes it.
pub(super) fn write(graph: &mut Graph<'_>, written: Vec<Written>) {
    for Written { node, widget, value } in written {
        if let Some(widget) = graph.nodes.get_mut(node).and_then(|node| node.widgets.get_mut(widget)) {
            widget.value = Some(fitted(widget, value));
        }
    }
}

/// The most that the editor lets a number be whose declaration says nothing; the least is 0.
const DEFAULT_MAX: i32 = 2048;

/// The value as the editor's widget holds it: within the bounds of its declaration, and rounded as that says.
fn fitted(widget: &Widget<'_>, value: Value) -> Value {
    let unsaid = NumberOptions::default();
    let numbers = widget.input.and_then(|input| input.options.numbers.as_deref()).unwrap_or(&unsaid);
    let Value::Number(number) = &value else { return value };
    match widget.kind {
        WidgetKind::Integer => fitted_integer(number, numbers).unwrap_or(value),
        WidgetKind::Float => fitted_float(number, numbers).unwrap_or(value),
        _ => value,
    }
}

fn fitted_integer(number: &Number, numbers: &NumberOptions) -> Option<Value> {
    let bound = |bound: &Option<Number>| bound.as_ref().and_then(whole);
    let min = bound(&numbers.min).unwrap_or(0);
    let max = bound(&numbers.max).unwrap_or(DEFAULT_MAX.into());
    let step = bound(&numbers.step).unwrap_or(1).max(1);
    let clamped = whole(number)?.min(max).max(min);
    // Steps are counted from the least value.
    let beyond = (clamped - min % step).rem_euclid(step);
    let fitted = if beyond * 2 >= step { clamped + step - beyond } else { clamped - beyond };
    i64::try_from(fitted).map(Value::from).or_else(|_| u64::try_from(fitted).map(Value::from)).ok()
}

fn fitted_float(number: &Number, numbers: &NumberOptions) -> Option<Value> {
    let bound = |bound: &Option<Number>| bound.as_ref().and_then(Number::as_f64);
    let min = bound(&numbers.min).unwrap_or(0.0);
    let max = bound(&numbers.max).unwrap_or(DEFAULT_MAX.into());
    let mut fitted = number.as_f64()?.min(max).max(min);
    if !numbers.keeps_digits {
        if let Some(round) = bound(&numbers.round).filter(|round| *round > 0.0) {
            fitted = (fitted / round + 0.5).floor() * round;
        }
        let step = bound(&numbers.step).filter(|step| *step > 0.0).unwrap_or(0.5);
        fitted = to_fixed(fitted, -step.log10().floor()).min(max).max(min);
    }
    Number::from_f64(fitted).map(Value::Number)
}

/// JavaScript's `toFixed`, as a number: of two that are as near, the one that is further from 0.
fn to_fixed(number: f64, digits: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=20")]
    let digits = digits.clamp(0.0, 20.0) as usize;
    // A tie has one digit more than is kept, and that is a 5.
    let long = format!("{number:.*}", digits + 40);
    let tail = long.get(long.len() - 40..).unwrap_or_default();
    let is_tie = tail.strip_prefix('5').is_some_and(|rest| rest.bytes().all(|byte| byte == b'0'));
    let nudged = match is_tie {
        true if number > 0.0 => number.next_up(),
        true => number.next_down(),
        false => number,
    };
    format!("{nudged:.digits$}").parse().unwrap_or(number)
}

#[expect(clippy::cast_possible_truncation, reason = "beyond 128 bits it is no integer")]
fn whole(number: &Number) -> Option<i128> {
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    exact.or_else(|| number.as_f64().filter(|float| float.abs() < 1e30).map(|float| float.round() as i128))
}
