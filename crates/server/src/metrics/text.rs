//! Prometheus' text form, version 0.0.4.

use std::fmt::Write;

use eventlog::Counted;

/// What is told, in families; each is written once and whole.
#[derive(Default)]
pub(super) struct Text(String);

/// A family that is being written.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

/// What a family's values do.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// They go up only.
    Counter,
    /// They go up and down.
    Gauge,
    /// They count by size.
    Histogram,
}

/// What one step of a histogram's values is.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Told in seconds.
    Nanoseconds,
    /// Told as they are.
    Pieces,
}

impl Text {
    /// Begins a family. The name has its unit at its end, and `_total` where it is a counter.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { text: &mut self.0, name }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// One value.
    pub(super) fn line(&mut self, labels: &[(&str, &str)], value: u64) {
        line(self.text, self.name, labels, value);
    }

    /// One histogram: its buckets one after another, each with all that is below it.
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], unit: Unit, counted: &Counted) {
        let Family { text, name } = self;
        let mut so_far = 0;
        let bounds = counted.bounds.iter().map(|bound| unit.told(*bound));
        let bounds = bounds.chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&counted.counts) {
            so_far += count;
            let labels = [labels, &[("le", bound.as_str())]].concat();
            line(text, &format!("{name}_bucket"), &labels, so_far);
        }
        line(text, &format!("{name}_sum"), labels, unit.told(counted.sum));
        line(text, &format!("{name}_count"), labels, so_far);
    }
}

impl Unit {
    fn told(self, value: u64) -> String {
        match self {
            Unit::Nanoseconds => {
                let text = format!("{}.{:09}", value / 1_000_000_000, value % 1_000_000_000);
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            Unit::Pieces => value.to_string(),
        }
    }
}

/// One line: a name, labels and a value.
pub(super) fn line(
    out: &mut String,
    name: &str,
    labels: &[(&str, &str)],
    value: impl std::fmt::Display,
) {
    out.push_str(name);
    for (number, (name, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = write!(out, "{}{name}=\"{value}\"", if number == 0 { '{' } else { ',' });
    }
    let end = if labels.is_empty() { "" } else { "}" };
    let _ = writeln!(out, "{end} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_in_seconds() {
        let counted =
            Counted { bounds: &[50_000, 2_000_000_000], counts: vec![1, 0, 2], sum: 5_000_050_000 };
        let mut text = Text::default();
        let mut family = text.family("x_seconds", Kind::Histogram, "a\\b\nc");
        family.histogram(&[("a", "\"\\\n")], Unit::Nanoseconds, &counted);
        let lines = [
            "# HELP x_seconds a\\\\b\\nc",
            "# TYPE x_seconds histogram",
            r#"x_seconds_bucket{a="\"\\\n",le="0.00005"} 1"#,
            r#"x_seconds_bucket{a="\"\\\n",le="2"} 1"#,
            r#"x_seconds_bucket{a="\"\\\n",le="+Inf"} 3"#,
            r#"x_seconds_sum{a="\"\\\n"} 5.00005"#,
            r#"x_seconds_count{a="\"\\\n"} 3"#,
            "",
        ];
        assert_eq!(text.finish(), lines.join("\n"));
    }
}
