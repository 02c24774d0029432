//! A tree of named fields, as text for people and as JSON for scripts.

use serde::{Serialize, Serializer};

/// What a field holds.
#[derive(Debug)]
pub enum Field {
    Text(String),
    Flag(bool),
    Number(u64),
    List(Vec<String>),
    Group(Group),
    /// Groups of one kind, one after the other.
    Several(Vec<Group>),
}

/// Fields in their order.
#[derive(Debug, Default)]
pub struct Group {
    fields: Vec<(String, Field)>,
}

impl Group {
    /// Adds a field at the end.
    pub fn add(&mut self, name: &str, field: impl Into<Field>) {
        self.fields.push((name.to_string(), field.into()));
    }

    /// `name: value` lines, two spaces deeper with each level.
    pub fn text(&self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let deeper = "  ".repeat(depth + 1);
        let line = |(name, field): &(String, Field)| match field {
            Field::Text(value) => format!("{indent}{name}: {value}\n"),
            // As ASN.1 writes a BOOLEAN.
            Field::Flag(value) => format!("{indent}{name}: {}\n", value.to_string().to_uppercase()),
            Field::Number(value) => format!("{indent}{name}: {value}\n"),
            Field::List(values) if values.is_empty() => format!("{indent}{name}: none\n"),
            Field::List(values) => {
                format!("{indent}{name}:\n{}", values.iter().map(|value| format!("{deeper}{value}\n")).collect::<String>())
            }
            Field::Group(group) => format!("{indent}{name}:\n{}", group.text(depth + 1)),
            Field::Several(groups) => groups.iter().map(|group| format!("{indent}{name}:\n{}", group.text(depth + 1))).collect(),
        };
        self.fields.iter().map(line).collect()
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.fields.iter().map(|(name, field)| (name, field)))
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Text(value) => value.serialize(to),
            Field::Flag(value) => value.serialize(to),
            Field::Number(value) => value.serialize(to),
            Field::List(values) => values.serialize(to),
            Field::Group(group) => group.serialize(to),
            Field::Several(groups) => groups.serialize(to),
        }
    }
}

impl From<String> for Field {
    fn from(value: String) -> Field {
        Field::Text(value)
    }
}

impl From<&str> for Field {
    fn from(value: &str) -> Field {
        Field::Text(value.to_string())
    }
}

impl From<bool> for Field {
    fn from(value: bool) -> Field {
        Field::Flag(value)
    }
}

impl From<u64> for Field {
    fn from(value: u64) -> Field {
        Field::Number(value)
    }
}

impl From<Vec<String>> for Field {
    fn from(values: Vec<String>) -> Field {
        Field::List(values)
    }
}

impl From<Group> for Field {
    fn from(group: Group) -> Field {
        Field::Group(group)
    }
}

impl From<Vec<Group>> for Field {
    fn from(groups: Vec<Group>) -> Field {
        Field::Several(groups)
    }
}
