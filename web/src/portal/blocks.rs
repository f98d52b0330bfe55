//! The parts that pages are made of, each once: facts, tables, timelines, callouts, forms, pictures, trees.

use askama::Template;
use askama::filters::HtmlSafe;

use super::bits::{Bit, Cell};
use super::context::Cx;

/// One part of a page.
#[derive(Clone, Debug, Template)]
#[template(path = "block.html")]
pub(crate) enum Block {
    /// Labels with values.
    Facts(Facts),
    /// Rows.
    Table(Table),
    /// What happened, day by day.
    Timeline(Timeline),
    /// What must be seen.
    Callout(Callout),
    /// Words.
    Text { heading: &'static str, id: &'static str, lines: Vec<Cell> },
    /// A question with fields.
    Form(Form),
    /// Something to set going.
    Act(Act),
    /// A few figures, each a link to what it counts.
    Figures(Vec<Figure>),
    /// A few choices, each by its label: words with a link, or the one that is made.
    Choices(Vec<(&'static str, Vec<Choice>)>),
    /// A list of links.
    Links { heading: &'static str, id: &'static str, links: Vec<(Bit, Cell)> },
    /// Bytes as they are.
    Raw { heading: &'static str, id: &'static str, note: Cell, text: String },
    /// A drawing: finished SVG, escaped by who drew it.
    Picture { heading: &'static str, id: &'static str, svg: String, note: Cell },
    /// A nested list.
    Tree { heading: &'static str, id: &'static str, lines: Vec<Branch>, note: Cell },
    /// What the browser checks by itself.
    Check { index: Option<u64>, origin: String },
}

// Its template escapes what it holds; `Picture` alone is finished markup.
impl HtmlSafe for Block {}

/// Labels with values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Above them; none when empty.
    pub(crate) heading: &'static str,
    /// For links within the page.
    pub(crate) id: &'static str,
    /// Label and value.
    pub(crate) rows: Vec<(String, Cell)>,
}

impl Facts {
    /// None yet.
    pub(crate) fn new(heading: &'static str, id: &'static str) -> Self {
        Self { heading, id, rows: Vec::new() }
    }

    /// With one more.
    pub(crate) fn row(mut self, label: impl Into<String>, value: Cell) -> Self {
        self.rows.push((label.into(), value));
        self
    }

    /// With one more, where there is something to say.
    pub(crate) fn maybe(self, label: &'static str, value: Option<Cell>) -> Self {
        match value {
            Some(value) => self.row(label, value),
            None => self,
        }
    }
}

/// A column as a table shows it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The words.
    pub(crate) words: &'static str,
    /// Numbers stand to the right.
    pub(crate) numeric: bool,
    /// Where a click sorts by it.
    pub(crate) sort: Option<String>,
    /// `ascending` or `descending`, where it is sorted by now.
    pub(crate) sorted: Option<&'static str>,
}

/// Rows, and all that helps to read them.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Unique on the page; also its name in `table=` for CSV.
    pub(crate) id: &'static str,
    /// What it shows.
    pub(crate) caption: String,
    /// The columns.
    pub(crate) heads: Vec<Head>,
    /// The rows of this page.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// "1–50 of 1,204", or what bound stopped it.
    pub(crate) count: String,
    /// The page before.
    pub(crate) previous: Option<String>,
    /// The page after.
    pub(crate) next: Option<String>,
    /// All rows as CSV.
    pub(crate) csv: String,
    /// Why it is empty, and what fills it.
    pub(crate) empty: Cell,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// Above it.
    pub(crate) heading: &'static str,
    /// For links within the page.
    pub(crate) id: &'static str,
    /// Days, each with its lines.
    pub(crate) days: Vec<(Bit, Vec<Line>)>,
    /// A bound, or what is left out.
    pub(crate) note: Cell,
    /// Earlier lines.
    pub(crate) previous: Option<String>,
    /// Later lines.
    pub(crate) next: Option<String>,
    /// Why it is empty.
    pub(crate) empty: Cell,
}

/// One line of a timeline.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// When: `08:20:11`.
    pub(crate) clock: Bit,
    /// What.
    pub(crate) what: Cell,
    /// Whatever stands behind: who, marks, the entry.
    pub(crate) more: Cell,
}

/// What must be seen.
#[derive(Clone, Debug)]
pub(crate) struct Callout {
    /// `note`, `warning` or `danger`.
    pub(crate) tone: &'static str,
    /// In one or two words, for those who see no colour.
    pub(crate) word: &'static str,
    /// What.
    pub(crate) text: Cell,
}

/// A question, always by GET.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// What it is for.
    pub(crate) label: &'static str,
    /// Where it goes.
    pub(crate) action: String,
    /// What goes along unseen.
    pub(crate) hidden: Vec<(String, String)>,
    /// The fields.
    pub(crate) fields: Vec<Field>,
    /// The button.
    pub(crate) button: &'static str,
    /// Leads back to everything, where something is asked for.
    pub(crate) clear: Option<String>,
}

impl Form {
    /// A filter over the page's own list: it keeps what else the address says, and can be cleared where something is asked for.
    pub(crate) fn filter(cx: &Cx<'_>, label: &'static str, fields: Vec<Field>) -> Block {
        let asked = fields.iter().any(|field| !field.value.is_empty());
        let clear = asked.then(|| cx.links.to(cx.route.path, &[]));
        Block::Form(Self { clear, ..Self::to(cx, label, cx.route.path, fields, "Filter") })
    }

    /// A question to a page.
    pub(crate) fn to(cx: &Cx<'_>, label: &'static str, path: &str, fields: Vec<Field>, button: &'static str) -> Self {
        let sort = cx.param("sort").map(|sort| ("sort".to_owned(), sort.to_owned()));
        let as_of = cx.links.as_of().map(|as_of| ("as_of".to_owned(), as_of.to_owned()));
        let hidden = sort.into_iter().chain(as_of).collect();
        Self { label, action: path.to_owned(), hidden, fields, button, clear: None }
    }
}

/// A field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its parameter.
    pub(crate) name: &'static str,
    /// Its label.
    pub(crate) label: &'static str,
    /// What is in it now.
    pub(crate) value: String,
    /// What goes into it, in words.
    pub(crate) hint: &'static str,
    /// Choices: value and words; a text field without any.
    pub(crate) choices: Vec<(String, String)>,
}

impl Field {
    /// A text field.
    pub(crate) fn text(name: &'static str, label: &'static str, value: Option<&str>, hint: &'static str) -> Self {
        Self { name, label, value: value.unwrap_or_default().to_owned(), hint, choices: Vec::new() }
    }

    /// A choice; the first one is "any".
    pub(crate) fn choice<'a>(
        name: &'static str,
        label: &'static str,
        value: Option<&str>,
        choices: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let value = value.unwrap_or_default().to_owned();
        let mut choices: Vec<(String, String)> =
            choices.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect();
        choices.insert(0, (String::new(), "any".to_owned()));
        if !choices.iter().any(|(known, _)| *known == value) {
            choices.push((value.clone(), super::text::cut(&value)));
        }
        Self { name, label, value, hint: "", choices }
    }
}

/// Something to set going, always by POST.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// Where it goes.
    pub(crate) action: String,
    /// What goes along unseen.
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// The button.
    pub(crate) button: &'static str,
    /// What it does, in words.
    pub(crate) note: &'static str,
}

/// One of a few choices.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// In a word.
    pub(crate) words: &'static str,
    /// Where it leads; none for the one that is made.
    pub(crate) href: Option<String>,
}

/// One figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// How many.
    pub(crate) number: String,
    /// Of what.
    pub(crate) label: String,
    /// To what it counts.
    pub(crate) href: String,
    /// `good`, `critical` and so on.
    pub(crate) tone: &'static str,
    /// What stands below in small.
    pub(crate) note: String,
}

/// A line of a nested list.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// How deep, from 0.
    pub(crate) depth: usize,
    /// What.
    pub(crate) what: Cell,
}

impl Branch {
    /// The class that sets it in; what lies deeper than [`Self::DEEPEST`] is set in like that.
    pub(crate) fn class(&self) -> String {
        format!("depth-{}", self.depth.min(Self::DEEPEST))
    }

    /// The deepest step that the style sheet knows.
    const DEEPEST: usize = 8;
}
