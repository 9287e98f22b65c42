//! Rows of the tables in `data`.

/// Returns the lines of a table that are rows. A line that is empty, `#` alone or begins with `# ` is a comment.
pub(crate) fn lines(table: &str) -> impl Iterator<Item = &str> {
    let is_row = |line: &&str| !(line.is_empty() || *line == "#" || line.starts_with("# "));
    table.lines().filter(is_row)
}

/// Returns the columns of each row. Rows with another number of columns are left out; the tests of each table show that there are none.
pub(crate) fn rows<const N: usize>(table: &str) -> impl Iterator<Item = [&str; N]> {
    lines(table).filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_rows_and_a_mark_in_the_first_column_is_one() {
        let table = "# a\n#\n\n#\tb\nc\td\ne\n";
        assert_eq!(lines(table).collect::<Vec<_>>(), ["#\tb", "c\td", "e"]);
        assert_eq!(
            rows(table).collect::<Vec<[&str; 2]>>(),
            [["#", "b"], ["c", "d"]]
        );
    }
}
