use comfyui::{NodeClasses, Workflow};
use dify_plugin::Error;
use serde_json::{Map, Value};

/// Reads the parameter `seed`, a text because numbers cross Dify as doubles.
///
/// # Errors
/// When it is no whole number of 64 bits.
pub(crate) fn read_seed(text: &str) -> Result<u64, Error> {
    let refused = || Error::parameter("seed: enter a whole number from 0 to 18446744073709551615");
    text.trim().parse().map_err(|_| refused())
}

/// The seeds that stand in a workflow, by node id and as decimal text: numbers cross Dify as doubles, which have no room
/// for their 64 bits. Another seed of one node is called `id.noise_seed`.
pub(crate) fn seeds(workflow: &Workflow, classes: &NodeClasses) -> Map<String, Value> {
    let mut seeds = Map::new();
    let mut places = workflow.seed_inputs(classes);
    // The one called `seed` has the short key, whatever comes first in the file.
    places.sort_by_key(|place| place.input != "seed");
    for place in places {
        let Some(seed) = workflow.node(&place.node_id).and_then(|node| node.inputs.get(&place.input)) else { continue };
        let is_second = seeds.contains_key(&place.node_id);
        let key = if is_second { format!("{}.{}", place.node_id, place.input) } else { place.node_id };
        seeds.insert(key, Value::from(seed.to_string()));
    }
    seeds
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_digit_of_every_seed_is_kept() {
        let workflow = Workflow::parse(
            r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615}},
                "4": {"class_type": "KSampler", "inputs": {"seed": ["3", 0]}},
                "5": {"class_type": "Two", "inputs": {"noise_seed": -1, "seed": 9007199254740993}},
                "6": {"class_type": "Custom", "inputs": {"seed": "text"}}}"#,
        )
        .unwrap();
        let expected = json!({"3": "18446744073709551615", "5": "9007199254740993", "5.noise_seed": "-1"});
        assert_eq!(Value::Object(seeds(&workflow, &NodeClasses::default())), expected);
    }

    #[test]
    fn a_seed_is_a_whole_number_of_64_bits() {
        assert_eq!(read_seed(" 18446744073709551615 ").unwrap(), u64::MAX);
        for text in ["18446744073709551616", "-1", "1.5", "cat"] {
            assert!(read_seed(text).unwrap_err().message().starts_with("seed: enter a whole number"), "{text}");
        }
    }
}
