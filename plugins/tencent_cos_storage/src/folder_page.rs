//! A page of a folder, out of as many pages of COS's list as it takes. No I/O.

use dify_plugin::{DriveFile, DriveFileType, Error};

/// Most entries COS lists at once (`GET Bucket`, <https://cloud.tencent.com/document/product/436/7734>).
const MAX_KEYS: u16 = 1000;

/// Fewest entries asked for. COS does not say whether the folder that a marker names is listed again; if it is, a list of
/// one entry would never get past it.
const MIN_KEYS: u16 = 2;

/// Most lists asked for one page. COS fills a page with the first; another server may give less than it was asked for.
const MAX_REQUESTS: u32 = 20;

/// A page of a folder while it is being filled.
///
/// A folder is a prefix that ends in `/`. COS's console makes one by an object of that key, which lists of the folder
/// begin with; it is the folder itself and no entry. Since COS lists what comes after a marker, the folder's own key is
/// the marker of the first page: the object stays out, and every page has exactly as many entries as were asked for,
/// the last one aside.
#[derive(Debug)]
pub(crate) struct FolderPage {
    prefix: String,
    max_keys: u16,
    entries: Vec<DriveFile>,
    /// All entries up to this key, in the order of their UTF-8 bytes, are on this page or an earlier one.
    after: Option<String>,
    /// Whether there are entries after that key.
    more: bool,
    requests: u32,
}

/// The next list to ask COS for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// List only what comes after this key.
    pub(crate) marker: Option<String>,
    /// Most entries to list, 2 to 1000.
    pub(crate) max_keys: u16,
}

impl FolderPage {
    /// The most entries on a page.
    pub(crate) const LARGEST: u32 = MAX_KEYS as u32;

    /// The page after `marker`, or the first one. `max_keys` outside 1 to 1000 counts as the nearer of the two.
    pub(crate) fn new(prefix: String, max_keys: u32, marker: Option<String>) -> Self {
        let max_keys = u16::try_from(max_keys).unwrap_or(MAX_KEYS).clamp(1, MAX_KEYS);
        let after = marker.or_else(|| prefix.ends_with('/').then(|| prefix.clone()));
        Self { prefix, max_keys, entries: Vec::new(), after, more: true, requests: 0 }
    }

    /// The folder's key.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What is still to be asked for; nothing when the page is full or the folder at its end.
    pub(crate) fn next_request(&mut self) -> Option<PageRequest> {
        let room = self.room();
        if room == 0 || !self.more || self.requests == MAX_REQUESTS {
            return None;
        }
        self.requests += 1;
        Some(PageRequest { marker: self.after.clone(), max_keys: room.max(MIN_KEYS) })
    }

    /// Takes what COS listed: files with their sizes, folders, and the marker of what follows.
    ///
    /// # Errors
    /// When the list does not get past what was listed before: it would never end.
    pub(crate) fn add(
        &mut self,
        files: impl IntoIterator<Item = (String, u64)>,
        folders: impl IntoIterator<Item = String>,
        next_marker: Option<String>,
    ) -> Result<(), Error> {
        let files = files.into_iter().map(|(key, size)| entry(key, size, DriveFileType::File));
        let folders = folders.into_iter().map(|key| entry(key, 0, DriveFileType::Folder));
        let mut listed: Vec<_> =
            files.chain(folders).filter(|entry| self.after.as_ref().is_none_or(|after| entry.id > *after)).collect();
        listed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let room = usize::from(self.room());
        let too_many = listed.len() > room;
        listed.truncate(room);
        let end = listed.last().map(|entry| entry.id.clone());
        self.entries.append(&mut listed);
        self.more = too_many || next_marker.is_some();
        if !self.more {
            return Ok(());
        }
        let end = end.max(next_marker.filter(|_| !too_many));
        if end <= self.after {
            return Err(Error::failed("COS's list of the folder does not go on where it should: try again"));
        }
        self.after = end;
        Ok(())
    }

    /// The entries, folders before files and each in the order of their keys, and the marker of the next page.
    pub(crate) fn finish(mut self) -> (Vec<DriveFile>, Option<String>) {
        self.entries.sort_by_key(|entry| entry.r#type);
        (self.entries, self.after.filter(|_| self.more))
    }

    fn room(&self) -> u16 {
        u16::try_from(self.entries.len()).map_or(0, |entries| self.max_keys.saturating_sub(entries))
    }
}

fn entry(key: String, size: u64, r#type: DriveFileType) -> DriveFile {
    DriveFile { name: base_name(&key).to_owned(), id: key, size, r#type }
}

/// What comes after the last slash, or for a folder after the last but one. A name that would be empty, as that of the
/// folder `a//` in `a/`, is a slash.
fn base_name(key: &str) -> &str {
    let path = key.strip_suffix('/').unwrap_or(key);
    match path.rsplit('/').next() {
        None | Some("") => "/",
        Some(name) => name,
    }
}

#[cfg(test)]
mod tests;
