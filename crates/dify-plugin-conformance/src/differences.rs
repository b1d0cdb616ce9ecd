use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The written list of cases in which we differ from the official SDK, each with its reason and our lines.
#[derive(Debug)]
pub struct Differences {
    file: PathBuf,
    cases: BTreeMap<String, Difference>,
    update: bool,
    found: BTreeMap<String, Difference>,
    complaints: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Difference {
    reason: String,
    ours: Vec<Value>,
}

impl Differences {
    /// Reads the list. With `UPDATE_DIFFERENCES` in the environment, [`finish`](Self::finish) writes it anew.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(file: &Path) -> io::Result<Self> {
        let cases = serde_json::from_str(&fs::read_to_string(file)?)?;
        let update = std::env::var_os("UPDATE_DIFFERENCES").is_some();
        Ok(Self { file: file.to_owned(), cases, update, found: BTreeMap::new(), complaints: Vec::new() })
    }

    /// Compares a case, both sides in normal form.
    pub fn compare(&mut self, case: &str, recorded: &[Value], ours: &[Value]) {
        let listed = self.cases.get(case);
        if recorded == ours {
            if listed.is_some() {
                self.complaints.push(format!("{case}: agrees, take it off the list"));
            }
            return;
        }
        let reason = listed.map(|listed| listed.reason.clone()).unwrap_or_default();
        match listed {
            _ if self.update => {}
            None => self.complaints.push(format!("{case}: recorded\n{}but ours is\n{}", show(recorded), show(ours))),
            Some(listed) if listed.ours != ours => {
                self.complaints.push(format!("{case}: listed\n{}but ours is\n{}", show(&listed.ours), show(ours)));
            }
            Some(_) => {}
        }
        if reason.is_empty() {
            self.complaints.push(format!("{case}: the list gives no reason"));
        }
        self.found.insert(case.to_owned(), Difference { reason, ours: ours.to_vec() });
    }

    /// What is wrong, after all cases: nothing, when the list is exactly true.
    ///
    /// # Errors
    /// When the list is to be written and cannot be.
    pub fn finish(mut self) -> io::Result<Vec<String>> {
        for case in self.cases.keys() {
            if !self.found.contains_key(case)
                && !self.complaints.iter().any(|complaint| complaint.starts_with(&format!("{case}:")))
            {
                self.complaints.push(format!("{case}: is on the list and was not compared"));
            }
        }
        if self.update && self.found != self.cases {
            fs::write(&self.file, serde_json::to_string_pretty(&self.found)? + "\n")?;
        }
        Ok(self.complaints)
    }
}

fn show(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
}
