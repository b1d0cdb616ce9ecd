use comfyui::Workflow;
use serde_json::{Map, Value};

/// What ComfyUI's own nodes call a seed.
const SEED_INPUTS: [&str; 2] = ["seed", "noise_seed"];

/// The seeds that stand in a workflow, by node id and as decimal text: numbers cross Dify as doubles, which have no room
/// for their 64 bits. The second seed of one node is called `id.noise_seed`.
pub(crate) fn seeds(workflow: &Workflow) -> Map<String, Value> {
    let mut seeds = Map::new();
    for (id, node) in workflow.nodes() {
        for name in SEED_INPUTS {
            if let Some(seed) = node.inputs.get(name).filter(|value| value.is_u64() || value.is_i64()) {
                let key = if seeds.contains_key(id) { format!("{id}.{name}") } else { id.clone() };
                seeds.insert(key, Value::from(seed.to_string()));
            }
        }
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
        assert_eq!(Value::Object(seeds(&workflow)), expected);
    }
}
