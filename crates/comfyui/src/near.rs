use strsim::jaro_winkler;

/// How alike two names must be for one to be offered for the other.
const ALIKE: f64 = 0.78;
/// The most characters of a name that are compared: comparing takes the product of two lengths.
const MAX_COMPARED: usize = 100;
/// The most names that are offered.
const MAX_OFFERED: usize = 3;

/// The names most like `name`, the nearest first, whatever their case.
pub(crate) fn near_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let start = |name: &str| name.chars().take(MAX_COMPARED).flat_map(char::to_lowercase).collect::<String>();
    let name = start(name);
    let likeness = |known: &str| {
        let known = start(known);
        let part = name.len() > 2 && (known.contains(&name) || (known.len() > 2 && name.contains(&known)));
        jaro_winkler(&name, &known).max(if part { ALIKE } else { 0.0 })
    };
    let mut alike: Vec<(f64, &str)> = known.into_iter().map(|known| (likeness(known), known)).collect();
    alike.retain(|(likeness, _)| *likeness >= ALIKE);
    alike.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    alike.into_iter().map(|(_, known)| known).take(MAX_OFFERED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_near_and_other_words_are_not() {
        let known = ["Positive Prompt", "Negative Prompt", "KSampler", "VAE Decode"];
        assert_eq!(near_names("positive promt", known)[0], "Positive Prompt");
        assert_eq!(near_names("sampler", known), ["KSampler"]);
        assert_eq!(near_names("xyz", known), [""; 0]);
        let long = "a".repeat(10_000_000);
        assert_eq!(near_names(&long, [long.as_str(), "b"]), [long.as_str()]);
    }
}
