//! The paths that events of one kind have used, each interned once with the column it makes.
//!
//! Only a cache: dropping it changes no result. It finds fields; it writes nothing.

use hashbrown::HashMap;

use crate::json::{Json, OnTape, last_of_each};
use crate::snake::{Name, by_hash, snake};

/// Where in the event a field stands; a context value goes before a property (E17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Context,
    /// `properties` or `traits`.
    Own,
}

/// One key in one place.
struct Node {
    key: Box<str>,
    parent: u32,
    /// Its place among its siblings.
    place: usize,
    /// The column's name so far, or none below a key that no name can be made of (E19).
    name: Option<Name>,
    /// Whether a hash stands in it for some key.
    hashed: bool,
    children: Vec<u32>,
    by_key: HashMap<Box<str>, u32>,
    /// The child to expect next: keys mostly come in the order of the last event.
    cursor: usize,
    slot: Option<u32>,
    /// For each of the tables, whether the column knows this path.
    noted: [bool; 2],
    /// The last event that had this key.
    event: u64,
}

/// One column name that any path of these events makes.
struct Slot {
    name: String,
    /// The last event that had a value for it.
    event: u64,
}

/// A value that wants a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) section: Section,
    pub(crate) slot: u32,
    /// Its path.
    pub(crate) node: u32,
    /// Its place on the tape.
    pub(crate) at: usize,
    /// Whether another field won its column.
    pub(crate) beaten: bool,
}

/// What one event holds below `context` and its own section.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) fields: Vec<Field>,
    /// Values below a key that no column can be named after (E19).
    pub(crate) unnameable: Vec<(Section, u32, usize)>,
    /// Whether two fields want one column, so that [`Paths::settle`] has to choose.
    pub(crate) collided: bool,
}

/// The interned paths of one kind of event.
pub(crate) struct Paths {
    nodes: Vec<Node>,
    slots: Vec<Slot>,
    by_name: HashMap<String, u32>,
    event: u64,
}

const CONTEXT: u32 = 0;
const OWN: u32 = 1;
/// The most bytes of a path that are told: keys can be long, and be above many others.
const LONGEST_PATH: usize = 1 << 10;
/// Beyond as many paths, an event of random keys and not a schema fills the cache.
const MOST: usize = 100_000;

impl Paths {
    /// For events whose own values stand below the given key.
    pub(crate) fn new(own: &str) -> Self {
        let root = |key: &str, name: Name| Node {
            key: key.into(),
            parent: u32::MAX,
            place: 0,
            name: Some(name),
            hashed: false,
            children: Vec::new(),
            by_key: HashMap::new(),
            cursor: 0,
            slot: None,
            noted: [false; 2],
            event: 0,
        };
        Self {
            nodes: vec![
                root("context", Name::default().below("context")),
                root(own, Name::default()),
            ],
            slots: Vec::new(),
            by_name: HashMap::new(),
            event: 0,
        }
    }

    /// Whether the cache has grown past any schema and should be made anew.
    pub(crate) fn overgrown(&self) -> bool {
        self.nodes.len() > MOST
    }

    pub(crate) fn slot_name(&self, slot: u32) -> &str {
        &self.slots[slot as usize].name
    }

    /// Whether a path fills a column of one of the tables for the first time.
    pub(crate) fn is_new(&mut self, node: u32, side: usize) -> bool {
        !std::mem::replace(&mut self.nodes[node as usize].noted[side], true)
    }

    /// The keys of a path that stand in its column's name as a hash (E19).
    pub(crate) fn hashed_keys(&self, node: u32) -> Vec<&str> {
        if !self.nodes[node as usize].hashed {
            return Vec::new();
        }
        self.keys(node).into_iter().filter(|key| snake(key).is_empty()).collect()
    }

    /// A path as sent, from the event's root, joined by dots; of a very long one the beginning.
    pub(crate) fn dotted(&self, node: u32) -> String {
        let mut path = self.nodes[self.root(node) as usize].key.to_string();
        for key in self.keys(node) {
            path.push('.');
            path.push_str(&key[..key.floor_char_boundary(LONGEST_PATH)]);
            if path.len() > LONGEST_PATH {
                path.truncate(path.floor_char_boundary(LONGEST_PATH));
                path.push('…');
                break;
            }
        }
        path
    }

    /// Finds the values of an event, each object by its place on the tape, if it has one.
    pub(crate) fn find<'a, N: OnTape<'a>>(
        &mut self,
        tape: &[N],
        context: Option<usize>,
        own: Option<usize>,
        found: &mut Found,
    ) {
        for careful in [false, true] {
            found.fields.clear();
            found.unnameable.clear();
            found.collided = false;
            self.event += 1;
            let context = context
                .is_none_or(|at| self.walk(tape, at, CONTEXT, Section::Context, careful, found));
            if context
                && own.is_none_or(|at| self.walk(tape, at, OWN, Section::Own, careful, found))
            {
                break;
            }
        }
    }

    /// Walks one object. False when a key is repeated, which only the careful way can settle.
    fn walk<'a, N: OnTape<'a>>(
        &mut self,
        tape: &[N],
        object: usize,
        node: u32,
        section: Section,
        careful: bool,
        found: &mut Found,
    ) -> bool {
        if careful {
            return last_of_each(tape, object)
                .into_iter()
                .all(|(key, at)| self.member(tape, key, at, node, section, careful, found));
        }
        let (mut at, end) = (object + 1, object + tape[object].into().width());
        while at < end {
            let Json::Text(key) = tape[at].into() else { return true };
            if !self.member(tape, key, at + 1, node, section, careful, found) {
                return false;
            }
            at += 1 + tape[at + 1].into().width();
        }
        true
    }

    #[allow(clippy::too_many_arguments)]
    fn member<'a, N: OnTape<'a>>(
        &mut self,
        tape: &[N],
        key: &str,
        at: usize,
        parent: u32,
        section: Section,
        careful: bool,
        found: &mut Found,
    ) -> bool {
        let node = self.child(parent, key);
        let event = self.event;
        let this = &mut self.nodes[node as usize];
        if this.event == event {
            return false;
        }
        this.event = event;
        let value: Json<'a> = tape[at].into();
        if !value.says_something() {
            return true;
        }
        if this.name.is_none() {
            found.unnameable.push((section, node, at));
            return true;
        }
        if let Json::Object { .. } = value {
            return self.walk(tape, at, node, section, careful, found);
        }
        let slot = this.slot.unwrap_or_else(|| self.slot(node));
        let wanted = &mut self.slots[slot as usize];
        found.collided |= wanted.event == event;
        wanted.event = event;
        found.fields.push(Field { section, slot, node, at, beaten: false });
        true
    }

    /// The child of a node, interned.
    fn child(&mut self, parent: u32, key: &str) -> u32 {
        let siblings = &mut self.nodes[parent as usize];
        if let Some(&expected) = siblings.children.get(siblings.cursor) {
            let next = siblings.cursor + 1;
            siblings.cursor = if next == siblings.children.len() { 0 } else { next };
            if *self.nodes[expected as usize].key == *key {
                return expected;
            }
        }
        let siblings = &mut self.nodes[parent as usize];
        if let Some(&known) = siblings.by_key.get(key) {
            let next = self.nodes[known as usize].place + 1;
            let siblings = &mut self.nodes[parent as usize];
            siblings.cursor = if next == siblings.children.len() { 0 } else { next };
            return known;
        }
        let plain = snake(key);
        let hashed = siblings.hashed || plain.is_empty();
        let segment = if plain.is_empty() { by_hash(key) } else { Some(plain) };
        let name = siblings.name.as_ref().and_then(|parent| Some(parent.below(&segment?)));
        let node = self.nodes.len() as u32;
        let siblings = &mut self.nodes[parent as usize];
        let place = siblings.children.len();
        siblings.children.push(node);
        siblings.by_key.insert(key.into(), node);
        siblings.cursor = 0;
        self.nodes.push(Node {
            key: key.into(),
            parent,
            place,
            name,
            hashed,
            children: Vec::new(),
            by_key: HashMap::new(),
            cursor: 0,
            slot: None,
            noted: [false; 2],
            event: 0,
        });
        node
    }

    /// The slot of a path that can be named.
    fn slot(&mut self, node: u32) -> u32 {
        let name = self.nodes[node as usize].name.as_ref().map(Name::cut).unwrap_or_default();
        let slots = &mut self.slots;
        let slot = *self.by_name.entry_ref(name.as_str()).or_insert_with(|| {
            slots.push(Slot { name: name.clone(), event: 0 });
            slots.len() as u32 - 1
        });
        self.nodes[node as usize].slot = Some(slot);
        slot
    }

    /// Marks the fields that lose their column to another (E17), leaving all in their order.
    pub(crate) fn settle(&self, fields: &mut [Field]) {
        let mut order: Vec<usize> = (0..fields.len()).collect();
        // Of those that want one column the last wins: context, then the order of bytes.
        order.sort_by(|&a, &b| {
            let (a, b) = (&fields[a], &fields[b]);
            a.slot
                .cmp(&b.slot)
                .then(b.section.cmp(&a.section))
                .then_with(|| self.keys(a.node).cmp(&self.keys(b.node)))
        });
        for pair in order.windows(2) {
            fields[pair[0]].beaten = fields[pair[0]].slot == fields[pair[1]].slot;
        }
    }

    /// Whether the column's name would be longer than a name may be.
    pub(crate) fn was_cut(&self, node: u32) -> bool {
        self.nodes[node as usize].name.as_ref().is_some_and(Name::is_cut)
    }

    /// The keys of a path below its root.
    fn keys(&self, mut node: u32) -> Vec<&str> {
        let mut keys = Vec::new();
        while self.nodes[node as usize].parent != u32::MAX {
            keys.push(&*self.nodes[node as usize].key);
            node = self.nodes[node as usize].parent;
        }
        keys.reverse();
        keys
    }

    fn root(&self, mut node: u32) -> u32 {
        while self.nodes[node as usize].parent != u32::MAX {
            node = self.nodes[node as usize].parent;
        }
        node
    }
}
