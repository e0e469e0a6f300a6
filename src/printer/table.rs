//! Lays out tables as kubectl does: columns as wide as their widest cell and three blanks, at least six; the last as it is.
//!
//! Source: cli-runtime `pkg/printers/{tableprinter,tabwriter}.go`, v1.36.

use super::resource::Resource;
use super::{NONE, labels, printer, text};
use crate::object::MicroTime;
use serde_json::Value;

/// Blanks behind the widest cell of a column.
const PADDING: usize = 3;
/// Least width of a column.
const WIDTH_MIN: usize = 6;

/// What is shown besides the columns of the kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether names stand there as `pod/web`.
    pub with_kind: bool,
    /// Whether the namespace stands in the first column.
    pub with_namespace: bool,
    /// Whether the labels stand in the last one.
    pub with_labels: bool,
    /// Whether there is room for all columns.
    pub is_wide: bool,
    /// Whether there is no line of heads.
    pub no_heads: bool,
}

/// Documents of one kind as a table; nothing if there are none.
pub fn table(resource: &Resource, documents: &[Value], now: MicroTime, options: Options) -> String {
    let Some(first) = documents.first() else { return String::new() };
    let printer = printer(&text(&first["apiVersion"]), &resource.kind);
    let shown = |cells: Vec<String>| {
        let cells = cells.into_iter().zip(printer.columns);
        cells.filter(|(_, column)| options.is_wide || !column.is_wide).map(|(cell, _)| cell).collect::<Vec<String>>()
    };
    let with_namespace = options.with_namespace && resource.is_namespaced;
    let mut rows = Vec::new();
    if !options.no_heads {
        let mut head = shown(printer.columns.iter().map(|column| column.name.to_uppercase()).collect());
        if with_namespace {
            head.insert(0, "NAMESPACE".to_string());
        }
        head.extend(options.with_labels.then(|| "LABELS".to_string()));
        rows.push(head);
    }
    for document in documents {
        let metadata = &document["metadata"];
        let mut row = shown((printer.cells)(document, now));
        if options.with_kind {
            row[0] = format!("{}/{}", resource.prefix(), row[0]);
        }
        if with_namespace {
            row.insert(0, text(&metadata["namespace"]));
        }
        row.extend(options.with_labels.then(|| match labels(&metadata["labels"]) {
            none if none.is_empty() => NONE.to_string(),
            labels => labels,
        }));
        rows.push(row.iter().map(|cell| one_line(cell)).collect());
    }
    lay_out(&rows)
}

/// The first line of a cell, and a sign if there are more; what would move the cursor is spelt out.
fn one_line(cell: &str) -> String {
    match cell.find(['\n', '\r', '\u{c}']) {
        Some(end) => format!("{}...", escaped(&cell[..end])),
        None => escaped(cell),
    }
}

fn escaped(cell: &str) -> String {
    cell.replace('\u{1b}', "^[")
}

/// Rows of cells in columns.
pub fn lay_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |cell: &String| cell.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column).map(length)).max().unwrap_or(0) + PADDING;
    let widths: Vec<usize> = (0..columns).map(|column| width(column).max(WIDTH_MIN)).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                text.extend(std::iter::repeat_n(' ', widths[column] - length(cell)));
            }
        }
        text.push('\n');
    }
    text
}
