//! The paths of properties and traits that events of one kind have used, each stored once with the column
//! that it makes, and which of two paths wins a column that both want (E17).
//!
//! It is only a cache: emptying it changes no result. It finds fields; `row` writes them.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::json::{Json, OnTape, last_of_each};
use crate::snake::{Name, by_hash, segment, snake};

/// The part of the event that has a field; a context value goes before a property (E17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Context,
    /// `properties` or `traits`.
    Own,
}

/// One key in one place. One event may bring a million of them, so that it holds no more than a leaf
/// needs.
struct Node {
    key: Box<str>,
    parent: u32,
    /// Its place among its siblings.
    place: u32,
    /// The column it makes, once a value has asked, else [`NONE`].
    slot: u32,
    /// The last event that had this key.
    event: u32,
    /// Whether a name can be made of it (E19).
    named: bool,
    /// Whether its column's name has a hash in place of some key of its path.
    hashed: bool,
    /// For each of the tables, whether the column knows this path.
    noted: [bool; 2],
    below: Option<Box<Below>>,
}

/// What is below a key that has held an object.
struct Below {
    /// The column's name so far.
    name: Name,
    children: Vec<u32>,
    by_key: HashTable<u32>,
    /// The child to expect next: keys mostly come in the order of the last event.
    cursor: usize,
}

impl Node {
    fn new(key: &str, parent: u32, place: usize, hashed: bool) -> Self {
        Self {
            key: key.into(),
            parent,
            place: place as u32,
            slot: NONE,
            event: 0,
            named: false,
            hashed,
            noted: [false; 2],
            below: None,
        }
    }
}

impl Below {
    fn new(name: Name) -> Self {
        Self { name, children: Vec::new(), by_key: HashTable::new(), cursor: 0 }
    }

    /// Expects the child behind a place next.
    fn expect_after(&mut self, place: usize) {
        self.cursor = if place + 1 == self.children.len() { 0 } else { place + 1 };
    }
}

/// One column name that any path of these events makes.
struct Slot {
    name: Box<str>,
    /// The last event that had a value for it.
    event: u32,
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
pub(crate) struct EventFields {
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
    by_name: HashTable<u32>,
    hasher: DefaultHashBuilder,
    event: u32,
}

const NONE: u32 = u32::MAX;
const CONTEXT: u32 = 0;
const OWN: u32 = 1;
/// The most bytes of a path that are told: keys can be long, and be above many others.
const LONGEST_PATH: usize = 1 << 10;
/// Beyond as many paths, an event of random keys and not a schema fills the cache.
const MOST: usize = 100_000;

impl Paths {
    /// For events whose own values are below the given key.
    pub(crate) fn new(own: &str) -> Self {
        let root = |key: &str, name: Name| {
            let below = Some(Box::new(Below::new(name)));
            Node { named: true, below, ..Node::new(key, NONE, 0, false) }
        };
        Self {
            nodes: vec![
                root("context", Name::default().below("context")),
                root(own, Name::default()),
            ],
            slots: Vec::new(),
            by_name: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            event: 0,
        }
    }

    /// An empty cache for the same events.
    pub(crate) fn emptied(&self) -> Self {
        Self::new(&self.nodes[OWN as usize].key)
    }

    /// Whether the cache has grown past any schema and should be emptied.
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
        found: &mut EventFields,
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
        found: &mut EventFields,
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

    #[allow(clippy::too_many_arguments, reason = "each is a part of the walk")]
    fn member<'a, N: OnTape<'a>>(
        &mut self,
        tape: &[N],
        key: &str,
        at: usize,
        parent: u32,
        section: Section,
        careful: bool,
        found: &mut EventFields,
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
        if !this.named {
            found.unnameable.push((section, node, at));
            return true;
        }
        if let Json::Object { .. } = value {
            return self.walk(tape, at, node, section, careful, found);
        }
        let slot = if this.slot == NONE { self.slot(node) } else { this.slot };
        let wanted = &mut self.slots[slot as usize];
        found.collided |= wanted.event == event;
        wanted.event = event;
        found.fields.push(Field { section, slot, node, at, beaten: false });
        true
    }

    /// The child of a node that can be named, interned.
    fn child(&mut self, parent: u32, key: &str) -> u32 {
        let Self { nodes, .. } = self;
        if let Some(below) = &nodes[parent as usize].below
            && let Some(&expected) = below.children.get(below.cursor)
            && *nodes[expected as usize].key == *key
        {
            if let Some(below) = &mut nodes[parent as usize].below {
                below.expect_after(below.cursor);
            }
            return expected;
        }
        // Taken out meanwhile, for its table hashes the keys of other nodes.
        let below = self.nodes[parent as usize].below.take();
        let mut below = below.unwrap_or_else(|| Box::new(Below::new(self.name(parent))));
        let child = self.other_child(&mut below, parent, key);
        self.nodes[parent as usize].below = Some(below);
        child
    }

    /// A child that was not the expected one.
    fn other_child(&mut self, below: &mut Below, parent: u32, key: &str) -> u32 {
        let Self { nodes, hasher, .. } = self;
        let hash = hasher.hash_one(key);
        let is_it = |&child: &u32| *nodes[child as usize].key == *key;
        if let Some(&known) = below.by_key.find(hash, is_it) {
            below.expect_after(nodes[known as usize].place as usize);
            return known;
        }
        let (child, place) = (nodes.len() as u32, below.children.len());
        let plain = snake(key);
        let named = !plain.is_empty() || by_hash(key).is_some();
        let hashed = nodes[parent as usize].hashed || plain.is_empty();
        nodes.push(Node { named, ..Node::new(key, parent, place, hashed) });
        below.children.push(child);
        let hash_of = |&child: &u32| hasher.hash_one(&*nodes[child as usize].key);
        below.by_key.insert_unique(hash, child, hash_of);
        below.expect_after(place);
        child
    }

    /// The name of a column that a path makes, which can be named.
    fn name(&self, node: u32) -> Name {
        let this = &self.nodes[node as usize];
        if let Some(below) = &this.below {
            return below.name.clone();
        }
        let parent = self.nodes[this.parent as usize].below.as_ref();
        parent.map_or_else(Name::default, |parent| {
            parent.name.below(&segment(&this.key).unwrap_or_default())
        })
    }

    /// The slot of a path that can be named.
    fn slot(&mut self, node: u32) -> u32 {
        let name = self.name(node).cut();
        let Self { slots, by_name, hasher, .. } = self;
        let hash = hasher.hash_one(name.as_str());
        let known = by_name.find(hash, |&slot| *slots[slot as usize].name == *name).copied();
        let slot = known.unwrap_or_else(|| {
            let slot = slots.len() as u32;
            slots.push(Slot { name: name.into(), event: 0 });
            by_name.insert_unique(hash, slot, |&slot| hasher.hash_one(&*slots[slot as usize].name));
            slot
        });
        self.nodes[node as usize].slot = slot;
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
                .then_with(|| self.in_order(a.node, b.node))
        });
        for pair in order.windows(2) {
            fields[pair[0]].beaten = fields[pair[0]].slot == fields[pair[1]].slot;
        }
    }

    /// Which of two paths comes first in the order of bytes, key by key.
    fn in_order(&self, a: u32, b: u32) -> std::cmp::Ordering {
        let (one, other) = (&self.nodes[a as usize], &self.nodes[b as usize]);
        if one.parent == other.parent {
            return one.key.cmp(&other.key);
        }
        self.keys(a).cmp(&self.keys(b))
    }

    /// Whether the column's name would be longer than a name may be.
    pub(crate) fn was_cut(&self, node: u32) -> bool {
        self.name(node).is_cut()
    }

    /// The keys of a path below its root.
    fn keys(&self, mut node: u32) -> Vec<&str> {
        let mut keys = Vec::new();
        while self.nodes[node as usize].parent != NONE {
            keys.push(&*self.nodes[node as usize].key);
            node = self.nodes[node as usize].parent;
        }
        keys.reverse();
        keys
    }

    fn root(&self, mut node: u32) -> u32 {
        while self.nodes[node as usize].parent != NONE {
            node = self.nodes[node as usize].parent;
        }
        node
    }
}
