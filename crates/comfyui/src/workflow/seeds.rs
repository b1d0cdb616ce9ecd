use rand::Rng;
use serde_json::Value;

use super::Workflow;

/// The input names that ComfyUI's own nodes use for a seed.
const SEED_INPUTS: [&str; 2] = ["seed", "noise_seed"];

/// A seed that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSet {
    /// The node's id.
    pub node: String,
    /// `seed` or `noise_seed`.
    pub input: String,
    /// The new value.
    pub seed: u64,
}

impl Workflow {
    /// Gives every `seed` and `noise_seed` that stands in the workflow as an integer a new value from `rng`. One that is
    /// linked to another node stays linked, and one of another kind (a custom node's text, say) stays as it is.
    ///
    /// The values span the 64 bits that ComfyUI's own nodes take (`nodes.py`: `"max": 0xffffffffffffffff`). A custom
    /// node with a narrower range will be refused by the server.
    pub fn randomize_seeds(&mut self, rng: &mut impl Rng) -> Vec<SeedSet> {
        let mut set = Vec::new();
        for (id, node) in &mut self.nodes {
            for name in SEED_INPUTS {
                if let Some(value) = node.inputs.get_mut(name).filter(|value| value.is_u64() || value.is_i64()) {
                    let seed = rng.next_u64();
                    *value = Value::from(seed);
                    set.push(SeedSet { node: id.clone(), input: name.to_owned(), seed });
                }
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn literal_seeds_are_replaced_and_links_are_not() {
        let mut workflow = Workflow::parse(
            r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20}},
                "4": {"class_type": "KSampler", "inputs": {"seed": ["9", 0]}},
                "5": {"class_type": "RandomNoise", "inputs": {"noise_seed": -1}},
                "6": {"class_type": "Custom", "inputs": {"seed": "fixed"}}}"#,
        )
        .unwrap();
        let before = workflow.clone();
        let set = workflow.randomize_seeds(&mut SmallRng::seed_from_u64(1));
        let places: Vec<_> = set.iter().map(|seed| (seed.node.as_str(), seed.input.as_str())).collect();
        assert_eq!(places, [("3", "seed"), ("5", "noise_seed")]);
        assert_eq!(workflow.node("3").unwrap().inputs["seed"], set[0].seed);
        assert_eq!(workflow.node("3").unwrap().inputs["steps"], 20);
        for id in ["4", "6"] {
            assert_eq!(workflow.node(id), before.node(id));
        }
    }

    #[test]
    fn the_whole_range_of_64_bits_is_used() {
        let mut rng = SmallRng::seed_from_u64(7);
        let mut workflow = Workflow::parse(r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 5}}}"#).unwrap();
        let seeds: Vec<u64> = (0..100).map(|_| workflow.randomize_seeds(&mut rng)[0].seed).collect();
        assert!(seeds.iter().any(|seed| *seed > u64::MAX / 2) && seeds.iter().any(|seed| *seed < u64::MAX / 2));
        let text = serde_json::to_string(&workflow).unwrap();
        assert!(text.contains(&seeds[99].to_string()), "sent with every digit: {text}");
    }
}
