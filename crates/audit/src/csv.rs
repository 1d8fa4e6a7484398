//! Lines of CSV (RFC 4180).

/// One line of CSV, with its end: cells divided by commas; a cell with a comma, a quotation mark, a line
/// break or an outer space stands in quotation marks, and a quotation mark inside it is doubled.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
/// formula and would run what a client wrote: such a cell gets an apostrophe before it. What must be exact to the
/// byte is asked for as JSON.
pub fn csv_line<I>(cells: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut line = String::new();
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            line.push(',');
        }
        push(&mut line, cell.as_ref());
    }
    line.push_str("\r\n");
    line
}

fn push(line: &mut String, cell: &str) {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    let is_plain = !cell.contains([',', '"', '\r', '\n'])
        && !cell.starts_with(char::is_whitespace)
        && !cell.ends_with(char::is_whitespace);
    if is_plain {
        line.push_str(guard);
        line.push_str(cell);
        return;
    }
    line.push('"');
    line.push_str(guard);
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader that knows nothing of us makes of a line: RFC 4180 §2, by the letter.
    fn read(line: &str) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut is_quoted = false;
        let mut rest = line.strip_suffix("\r\n").unwrap().chars().peekable();
        while let Some(c) = rest.next() {
            let cell = cells.last_mut().unwrap();
            match c {
                '"' if is_quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => cells.push(String::new()),
                c => cell.push(c),
            }
        }
        assert!(!is_quoted, "{line}");
        cells
    }

    #[test]
    fn cells_come_back_as_they_were() {
        assert_eq!(csv_line(["a", "", "b c"]), "a,,b c\r\n");
        assert_eq!(csv_line(["a,b", "say \"x\"", " y"]), "\"a,b\",\"say \"\"x\"\"\",\" y\"\r\n");
        let hard = ["two\r\nlines", "\"", ",", "é, ü", "", "a\nb"];
        assert_eq!(read(&csv_line(hard)), hard);
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for formula in
            ["=1+1", "+49 30 1", "-2", "@SUM(A1)", "\t=1", "=HYPERLINK(\"http://x\",\"y\")"]
        {
            assert_eq!(read(&csv_line([formula])), [format!("'{formula}")]);
        }
        assert_eq!(csv_line(["a=b", "x@y.z"]), "a=b,x@y.z\r\n");
    }
}
