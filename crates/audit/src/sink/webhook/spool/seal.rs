//! Which records are sent together.

use std::io;

use super::{
    Spool, State,
    batch_file::{HEADER_BYTES, MAX_RECORDS, StoredBatch},
};

/// The fewest bytes to which the size of merged batches is lowered.
const MIN_MERGE_BYTES: u64 = 16 * 1024;

/// A batch that cannot be sealed or split now, and why.
pub(in crate::sink::webhook) type NotSealed = (StoredBatch, io::Error);

impl Spool {
    /// Returns the batch at this position, sealed: it is sent as it is, or not at all. It is merged with those after it
    /// as far as the limits allow.
    ///
    /// # Errors
    ///
    /// The batch cannot be read or renamed. The kinds are those of [`read`](Self::read).
    pub(in crate::sink::webhook) fn seal(
        &self,
        position: usize,
    ) -> Result<Option<StoredBatch>, NotSealed> {
        let (members, _) = self.lock().run_at(position);
        match members.first() {
            Some(first) if !first.sealed => self.seal_run(&members, first).map(Some),
            first => Ok(first.cloned()),
        }
    }

    /// Merges small batches that follow each other into one, and marks it as ready to be sent.
    ///
    /// # Errors
    ///
    /// The first batch cannot be read or renamed. It is returned with the error, so that it can be
    /// set aside.
    fn seal_run(
        &self,
        members: &[StoredBatch],
        first: &StoredBatch,
    ) -> Result<StoredBatch, NotSealed> {
        let failed = |error| (first.clone(), error);
        let mut body = self.read(first).map_err(failed)?;
        let mut last = first;
        for member in members.iter().skip(1) {
            // One that cannot be read waits until it is the first.
            let Ok(more) = self.read(member) else { break };
            body.extend(more);
            last = member;
        }
        if last != first
            && let Ok(merged) = self.merge(first, last, &body)
        {
            return Ok(merged);
        }
        // To rename takes no space: a full disk does not stop sending.
        self.seal_alone(first).map_err(failed)
    }

    /// Writes the merged batch, and replaces those that it has the records of.
    ///
    /// # Errors
    ///
    /// The merged batch cannot be written. The batches stay as they are.
    fn merge(
        &self,
        first: &StoredBatch,
        last: &StoredBatch,
        body: &[u8],
    ) -> io::Result<StoredBatch> {
        let merged = StoredBatch::new((first.first, last.last), body, true, first.stored_at)?;
        self.write(&merged, body)?;
        self.replace(std::slice::from_ref(&merged));
        Ok(merged)
    }

    /// Marks a batch as ready by its name.
    ///
    /// # Errors
    ///
    /// The file cannot be renamed, or its folder not be synced.
    fn seal_alone(&self, batch: &StoredBatch) -> io::Result<StoredBatch> {
        let sealed = StoredBatch {
            sealed: true,
            ..batch.clone()
        };
        self.folder
            .rename(&batch.name(), &self.folder, &sealed.name())?;
        let mut state = self.lock();
        if let Some(entry) = state.batches.iter_mut().find(|entry| *entry == batch) {
            *entry = sealed.clone();
        }
        drop(state);
        self.folder.sync()?;
        Ok(sealed)
    }

    /// Merges small batches that fill whole ones. Returns false if the disk fails.
    pub(super) fn merge_small(&self) -> bool {
        loop {
            let members = self.lock().full_run();
            let Some(first) = members.first() else {
                return true;
            };
            let sealed = self.seal_run(&members, first);
            if !sealed.is_ok_and(|sealed| sealed.records() > first.records()) {
                return false;
            }
        }
    }

    /// Divides a batch into two, which have other identifiers.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if it has one record. Otherwise as [`read`](Self::read), or the halves cannot be
    /// written: the batch is as before then.
    pub(in crate::sink::webhook) fn split(&self, batch: &StoredBatch) -> io::Result<()> {
        if batch.records() < 2 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let body = self.read(batch)?;
        let records = batch.records() / 2;
        let lines = body.split_inclusive(|byte| *byte == b'\n');
        let half = usize::try_from(records).unwrap_or(usize::MAX);
        let cut = lines.take(half).map(<[u8]>::len).sum();
        let (one, two) = body.split_at(cut);
        let middle = batch.first.saturating_add(records);
        let first = StoredBatch::new((batch.first, middle - 1), one, true, batch.stored_at)?;
        let second = StoredBatch::new((middle, batch.last), two, true, batch.stored_at)?;
        self.write(&first, one)?;
        if let Err(error) = self.write(&second, two) {
            let _ = self.folder.remove(&first.name());
            return Err(error);
        }
        self.replace(&[first, second]);
        Ok(())
    }

    /// Merges fewer bytes from now on: a receiver takes no batch of this one's size.
    pub(in crate::sink::webhook) fn merge_less_than(&self, batch: &StoredBatch) {
        let half = (batch.length / 2).max(MIN_MERGE_BYTES);
        let mut state = self.lock();
        state.merge_bytes = state.merge_bytes.min(half);
    }

    /// Puts batches in the place of those with the same records, and removes these.
    fn replace(&self, new: &[StoredBatch]) {
        let Some((first, last)) = new.first().zip(new.last()) else {
            return;
        };
        let is_old = |old: &StoredBatch| old.first >= first.first && old.last <= last.last;
        let mut state = self.lock();
        let position = state.batches.iter().position(&is_old).unwrap_or(0);
        let old: Vec<_> = state
            .batches
            .iter()
            .filter(|old| is_old(old))
            .cloned()
            .collect();
        state.batches.retain(|old| !is_old(old));
        for (offset, batch) in new.iter().enumerate() {
            state
                .batches
                .insert(position.saturating_add(offset), batch.clone());
        }
        state.left_over.extend(old);
        drop(state);
        // The next removal of a sent batch syncs the folder. Until then the new files stand for the old ones.
        self.remove_left_over();
        self.changed.notify_all();
    }
}

impl State {
    /// Returns the batches that are sent together, from this position, and whether the next one has no place among them.
    fn run_at(&self, position: usize) -> (Vec<StoredBatch>, bool) {
        let mut run: Vec<StoredBatch> = Vec::new();
        let (mut records, mut bytes) = (0_u64, 0_u64);
        for batch in self.batches.iter().skip(position) {
            records = records.saturating_add(batch.records());
            bytes = bytes.saturating_add(batch.length.saturating_sub(HEADER_BYTES));
            if let Some(before) = run.last() {
                let follows = before.last.saturating_add(1) == batch.first;
                let fits = records <= MAX_RECORDS && bytes <= self.merge_bytes;
                if before.sealed || batch.sealed || !follows || !fits {
                    return (run, true);
                }
            }
            run.push(batch.clone());
        }
        (run, false)
    }

    /// Returns the first batches of at least two that are sent together and are complete.
    fn full_run(&self) -> Vec<StoredBatch> {
        let mut position = 0;
        loop {
            let (run, is_complete) = self.run_at(position);
            match is_complete {
                true if run.len() > 1 => return run,
                true => position = position.saturating_add(run.len()),
                false => return Vec::new(),
            }
        }
    }
}
