//! Writes bytes of a policy's text over others, and inserts and removes members of lists and objects with
//! their commas.
//!
//! `edit` decides what changes, and `style` how new text is formatted. Ours, because the tree of jsonc-parser
//! puts every property that it inserts on a line of its own and removes blank lines of the object around it, and
//! an edit must not change a byte that it does not name.

use headgate_terms::{Range, Result, say};

use crate::edit::{StatementDraft, impossible};
use crate::operator::Operator;
use crate::policy::PrincipalKind;
use crate::style::{Json, Style, members, quoted};
use crate::text::{self, Node, Property};

/// A text with what is to be written over it.
pub(crate) struct Splicer<'t> {
    pub text: &'t str,
    pub style: Style<'t>,
    pub root: &'t Node,
    splices: Vec<(Range, String)>,
}

impl<'t> Splicer<'t> {
    pub(crate) fn of(text: &'t str, root: &'t Node) -> Self {
        Self { text, style: Style::of(text, root), root, splices: Vec::new() }
    }

    pub(crate) fn put(&mut self, range: Range, new: String) {
        self.splices.push((range, new));
    }

    pub(crate) fn insert(&mut self, at: usize, new: String) {
        self.put(Range { start: at, end: at }, new);
    }

    pub(crate) fn written(mut self) -> String {
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));
        let (mut new, mut at) = (String::with_capacity(self.text.len() + 256), 0);
        for (range, text) in &self.splices {
            new.push_str(&self.text[at..range.start]);
            new.push_str(text);
            at = range.end;
        }
        new.push_str(&self.text[at..]);
        new
    }

    pub(crate) fn statement(&self, at: usize) -> Result<&'t Node> {
        let statements = property(self.root, "Statement")?;
        statements
            .value
            .elements()
            .get(at)
            .filter(|statement| statement.object().is_some())
            .ok_or_else(|| impossible(say!("There is no statement {}.", at + 1)))
    }

    /// The `Condition`, the operator's block and the key.
    pub(crate) fn condition(
        &self,
        statement: usize,
        operator: &str,
        key: &str,
    ) -> Result<(&'t Property, &'t Property, &'t Property)> {
        let condition = property(self.statement(statement)?, "Condition")?;
        let block = block(condition, operator)
            .ok_or_else(|| impossible(say!("The statement has no `{}`.", operator)))?;
        let keys = block.value.object().unwrap_or_default();
        let key = keys
            .iter()
            .find(|one| one.name.eq_ignore_ascii_case(key))
            .ok_or_else(|| impossible(say!("`{}` has no `{}`.", operator, key)))?;
        Ok((condition, block, key))
    }

    /// Adds to a list, or makes a list of a single value.
    pub(crate) fn append(&mut self, node: &Node, new: &str) {
        self.append_all(node, &[new]);
    }

    fn append_all(&mut self, node: &Node, new: &[&str]) {
        if new.is_empty() {
            return;
        }
        let bare = Node { kind: text::Kind::List(Vec::new()), ..*node };
        let separator = self.style.separator(if node.is_list() { node } else { &bare });
        let more: String = new.iter().flat_map(|one| [separator.as_str(), one]).collect();
        if !node.is_list() {
            self.insert(node.range.start, "[".to_owned());
            self.insert(node.range.end, more + "]");
        } else if let Some(last) = node.elements().last() {
            self.insert(last.range.end, more);
        } else {
            self.insert(node.range.start + 1, new.join(&separator));
        }
    }

    /// Takes a member of a container away, with the comma that parted it.
    pub(crate) fn cut(&mut self, node: &Node, at: usize) {
        let places = members(node);
        let range = match (at, places.get(at + 1)) {
            (0, Some(next)) => Range { start: places[0].0, end: next.0 },
            (0, None) => Range { start: node.range.start + 1, end: node.range.end - 1 },
            _ => Range { start: places[at - 1].1, end: places[at].1 },
        };
        self.put(range, String::new());
    }

    pub(crate) fn cut_element(&mut self, list: &Node, value: &str) -> Result<()> {
        element(list, value)?;
        let at = list.elements().iter().position(|one| scalar_text(one) == Some(value));
        self.cut(list, at.unwrap_or_default());
        Ok(())
    }

    pub(crate) fn cut_property(&mut self, object: &Node, name: &str) {
        let place = object.object().unwrap_or_default().iter().rposition(|one| one.name == name);
        if let Some(at) = place {
            self.cut(object, at);
        }
    }

    /// Takes a value out of a property's list, and the property with its last value.
    pub(crate) fn take(&mut self, object: &Node, list: &Property, value: &str) -> Result<()> {
        if list.value.elements().len() <= 1 {
            element(&list.value, value)?;
            self.cut_property(object, &list.name);
            return Ok(());
        }
        self.cut_element(&list.value, value)
    }

    /// Adds a property at an object's end, or behind one of its properties.
    pub(crate) fn insert_after(&mut self, object: &Node, after: &str, name: &str, value: &Json) {
        let properties = object.object().unwrap_or_default();
        let indent = properties
            .first()
            .map_or("", |first| crate::style::line_indent(self.text, first.name_range.start));
        let deep = if self.style.separator(object).contains('\n') { self.deep(object) } else { 0 };
        let value = self.style.spread(value, indent, object, deep);
        let member = self.style.member(name, &value);
        match properties.iter().find(|one| one.name == after).or(properties.last()) {
            Some(before) => {
                let separator = self.style.separator(object);
                self.insert(before.value.range.end, separator + &member);
            }
            None => self.put(object.range, self.style.inline_braces(&member)),
        }
    }

    /// How many levels the objects beside open up, over the whole document.
    pub(crate) fn deep(&self, object: &Node) -> usize {
        let siblings =
            self.root.property("Statement").map(|all| all.value.elements()).unwrap_or_default();
        siblings
            .iter()
            .chain([object])
            .filter_map(|one| one.property("Condition").or_else(|| one.property("Principal")))
            .map(|one| crate::style::depth(self.text, &one.value))
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn insert_first(&mut self, object: &Node, name: &str, value: &Json) {
        let member = self.style.member(name, &self.style.inline(value));
        match object.object().and_then(<[_]>::first) {
            Some(first) => {
                let separator = self.style.separator(object);
                self.insert(first.name_range.start, member + &separator);
            }
            None => self.put(object.range, self.style.inline_braces(&member)),
        }
    }

    pub(crate) fn add_principal(
        &mut self,
        statement: usize,
        kind: PrincipalKind,
        value: &str,
    ) -> Result<()> {
        let principal = property(self.statement(statement)?, "Principal")?;
        if let Some(list) = principal.value.property(kind.name()) {
            self.append(&list.value, &quoted(value));
        } else {
            let value = Json::Text(value.to_owned());
            self.insert_after(&principal.value, "", kind.name(), &value);
        }
        Ok(())
    }

    pub(crate) fn add_condition(
        &mut self,
        statement: usize,
        operator: &str,
        key: &str,
        values: &[String],
    ) -> Result<()> {
        if values.is_empty() {
            return Err(impossible("A condition needs a value."));
        }
        let values = Json::one_or_list(values);
        let node = self.statement(statement)?;
        let keyed = |values| Json::Object(vec![(key.to_owned(), values)]);
        let Some(condition) = node.property("Condition") else {
            let block = Json::Object(vec![(operator.to_owned(), keyed(values))]);
            let after = if node.property("Action").is_some() { "Action" } else { "NotAction" };
            self.insert_after(node, after, "Condition", &block);
            return Ok(());
        };
        let Some(block) = block(condition, operator) else {
            self.insert_after(&condition.value, "", operator, &keyed(values));
            return Ok(());
        };
        if block
            .value
            .object()
            .unwrap_or_default()
            .iter()
            .any(|one| one.name.eq_ignore_ascii_case(key))
        {
            return Err(impossible(say!(
                "`{}` tests `{}` already. Add a value to it.",
                operator,
                key
            )));
        }
        self.insert_after(&block.value, "", key, &values);
        Ok(())
    }

    pub(crate) fn remove_condition(
        &mut self,
        statement: usize,
        operator: &str,
        key: &str,
    ) -> Result<()> {
        let (condition, block, key) = self.condition(statement, operator, key)?;
        if block.value.object().map_or(0, <[_]>::len) > 1 {
            self.cut_property(&block.value, &key.name);
        } else if condition.value.object().map_or(0, <[_]>::len) > 1 {
            self.cut_property(&condition.value, &block.name);
        } else {
            self.cut_property(self.statement(statement)?, "Condition");
        }
        Ok(())
    }

    pub(crate) fn add_statement(&mut self, at: usize, draft: &StatementDraft) -> Result<()> {
        let place = property(self.root, "Statement")?;
        let statements = place.value.elements();
        let Some(beside) = statements.get(at.min(statements.len()).saturating_sub(1)) else {
            self.put(place.value.range, format!("[{}]", self.style.inline(&draft.json())));
            return Ok(());
        };
        let new = self.style.like(&draft.json(), beside);
        if !place.value.is_list() {
            self.insert(beside.range.start, "[".to_owned());
            self.insert(beside.range.end, format!("{}{new}]", self.style.comma()));
        } else if at == 0 {
            let separator = self.style.separator(&place.value);
            self.insert(beside.range.start, new + &separator);
        } else {
            let separator = self.style.separator(&place.value);
            self.insert(beside.range.end, separator + &new);
        }
        Ok(())
    }

    pub(crate) fn remove_repeated(&mut self, start: usize) -> Result<()> {
        let (object, at) = self.repeated(start)?;
        self.cut(object, at);
        Ok(())
    }

    pub(crate) fn merge_repeated(&mut self, start: usize) -> Result<()> {
        let (object, at) = self.repeated(start)?;
        let properties = object.object().unwrap_or_default();
        let from = &properties[at];
        let last = properties.iter().rposition(|one| one.name == from.name);
        let Some(into) = last.filter(|last| *last != at).map(|last| &properties[last]) else {
            return Err(impossible(say!("`{}` stands there once.", from.name)));
        };
        self.cut(object, at);
        self.fold(&into.value, &from.value)
    }

    /// The object and the place in it of the property that begins at a byte.
    fn repeated(&self, start: usize) -> Result<(&'t Node, usize)> {
        let mut nodes = vec![self.root];
        while let Some(node) = nodes.pop() {
            if let Some(properties) = node.object() {
                if let Some(at) = properties.iter().position(|one| one.name_range.start == start) {
                    return Ok((node, at));
                }
                nodes.extend(properties.iter().map(|one| &one.value));
            } else if node.is_list() {
                nodes.extend(node.elements());
            }
        }
        Err(impossible("That key is not there any more."))
    }

    /// Adds to a value what another holds and it lacks: members to an object, else elements to a list.
    fn fold(&mut self, into: &Node, from: &Node) -> Result<()> {
        let (Some(own), Some(members)) = (into.object(), from.object()) else {
            if into.object().is_some() || from.object().is_some() && !into.is_list() {
                return Err(impossible("They are not of one kind."));
            }
            let is_there = |one: &Node| into.elements().iter().any(|own| own.kind == one.kind);
            let lacking = from.elements().iter().filter(|one| !is_there(one));
            let lacking: Vec<&str> = lacking.map(|one| self.written_at(one)).collect();
            self.append_all(into, &lacking);
            return Ok(());
        };
        let mut new = Vec::new();
        for member in members {
            match own.iter().rfind(|one| one.name == member.name) {
                Some(there) => self.fold(&there.value, &member.value)?,
                None => new.push(self.style.member(&member.name, self.written_at(&member.value))),
            }
        }
        match own.last() {
            Some(last) => {
                let separator = self.style.separator(into);
                for member in new {
                    self.insert(last.value.range.end, separator.clone() + &member);
                }
            }
            None => {
                self.put(into.range, self.style.inline_braces(&new.join(self.style.comma())));
            }
        }
        Ok(())
    }

    fn written_at(&self, node: &Node) -> &'t str {
        &self.text[node.range.start..node.range.end]
    }
}

pub(crate) fn property<'n>(node: &'n Node, name: &str) -> Result<&'n Property> {
    node.property(name).ok_or_else(|| impossible(say!("There is no `{}` there.", name)))
}

fn scalar_text(node: &Node) -> Option<&str> {
    match &node.kind {
        text::Kind::Scalar { value, .. } => Some(value),
        _ => None,
    }
}

pub(crate) fn element<'n>(list: &'n Node, value: &str) -> Result<&'n Node> {
    list.elements()
        .iter()
        .find(|one| scalar_text(one) == Some(value))
        .ok_or_else(|| impossible(say!("`{}` is not there.", value)))
}

pub(crate) fn strings(list: &Node) -> Vec<String> {
    list.elements().iter().filter_map(scalar_text).map(str::to_owned).collect()
}

fn block<'n>(condition: &'n Property, operator: &str) -> Option<&'n Property> {
    let wanted = Operator::parse(operator);
    let blocks = condition.value.object().unwrap_or_default();
    // ArnEquals and ArnLike are one comparison, and two operators to a text.
    blocks.iter().find(|one| one.name.eq_ignore_ascii_case(operator)).or_else(|| {
        blocks.iter().find(|one| wanted.is_some() && Operator::parse(&one.name) == wanted)
    })
}
