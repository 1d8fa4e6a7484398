//! A table in plain text: aligned for the eye, one line a row, so that it can be cut and compared.

/// A heading and rows of as many cells. Columns of numbers stand right, the others left.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    left: &'static [usize],
}

impl Table {
    /// `left` are the columns that hold words.
    pub(crate) fn new(heading: &[&str], left: &'static [usize]) -> Table {
        let heading = heading.iter().map(|&cell| cell.to_owned()).collect();
        Table { rows: vec![heading], left }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, the heading first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        self.rows.iter().map(move |row| {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if self.left.contains(&column) {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_words_left() {
        let mut table = Table::new(&["n", "who", "µs"], &[1]);
        table.row(vec!["10".to_owned(), "a".to_owned(), "1.5".to_owned()]);
        table.row(vec!["1".to_owned(), "long name".to_owned(), String::new()]);
        let lines: Vec<String> = table.lines().collect();
        assert_eq!(lines, [" n  who         µs", "10  a          1.5", " 1  long name"]);
    }
}
