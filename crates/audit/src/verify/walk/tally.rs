//! What a good record adds to the report.

use super::Walk;
use crate::{Reason, verify::content::Content};

impl Walk {
    pub(super) fn count(&mut self, content: &Content<'_>) -> Result<(), Reason> {
        let report = &mut self.report;
        match (&*content.kind, content.id.as_deref()) {
            ("request", Some(_)) => report.requests += 1,
            ("head", Some(id)) => {
                report.requests += 1;
                self.heads.insert(id.into());
            }
            ("end", Some(id)) => {
                self.heads.remove(id);
            }
            ("lost", _) => {
                report.lost = report.lost.saturating_add(content.dropped);
                report.turned_away = report.turned_away.saturating_add(content.turned_away);
            }
            ("recovered", _) => {
                report.recoveries += 1;
                match content.cause.as_deref() {
                    Some("damaged" | "replaced") if !self.for_writer => {
                        return Err(Reason::DamageSetAside);
                    }
                    Some("torn_line") => {
                        report.torn_bytes = report.torn_bytes.saturating_add(content.bytes);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        report.records += 1;
        self.place.closed = content.kind == "closed";
        Ok(())
    }
}
