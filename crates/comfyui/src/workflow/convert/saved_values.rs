use serde_json::{Map, Value};

/// `widgets_values` of a node, handed out from left to right.
#[derive(Clone, Debug)]
pub(super) enum SavedValues<'v> {
    /// None are saved: defaults stay.
    Defaults,
    /// The usual list.
    List {
        /// In the order of the widgets that have a place.
        values: Vec<&'v Value>,
        /// How many are handed out.
        at: usize,
    },
    /// An object, which the editor reads by index: `{"0": …}`. One with names has none of these.
    Indexed {
        /// The object.
        values: &'v Map<String, Value>,
        /// How many are handed out.
        at: usize,
    },
    /// An object by name, of a class whose pack reads it so.
    Named(&'v Map<String, Value>),
}

/// What is saved for one widget.
#[derive(Debug)]
pub(super) enum Saved<'v> {
    /// Nothing: the default stays.
    Default,
    /// JavaScript's `undefined`.
    Undefined,
    /// This.
    Value(&'v Value),
}

impl<'v> SavedValues<'v> {
    /// What is saved for the next widget with a place.
    pub(super) fn next(&mut self, name: &str) -> Saved<'v> {
        match self {
            Self::Defaults => Saved::Default,
            Self::List { values, at } => {
                let value = values.get(*at).copied();
                *at += 1;
                value.map_or(Saved::Default, Saved::Value)
            }
            Self::Indexed { values, at } => {
                let value = values.get(&at.to_string());
                *at += 1;
                value.map_or(Saved::Undefined, Saved::Value)
            }
            Self::Named(values) => values.get(name).map_or(Saved::Default, Saved::Value),
        }
    }

    /// How many values no widget took.
    pub(super) fn left(&self) -> usize {
        match self {
            Self::List { values, at } => values.len().saturating_sub(*at),
            Self::Indexed { values, .. } => values.keys().filter(|key| key.parse::<usize>().is_err()).count(),
            Self::Defaults | Self::Named(_) => 0,
        }
    }
}
