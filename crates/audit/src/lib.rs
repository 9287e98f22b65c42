//! A tamper-evident audit trail of every request, also of the refused and the aborted ones.
