//! The rows of the matrix: the callers that distinguish the given policies. `columns` chooses the external
//! IDs.
//!
//! They are the callers that policies and goals name, one for each way in which the patterns of conditions can
//! match, in every account that matters, and one stranger. So whatever a policy allows is allowed in some
//! cell.

use std::collections::{BTreeSet, HashMap};

use headgate_terms::{Arn, is_account_id};

use crate::classes::{Pattern, Places, Shape, Walked, Work, made_up, walked};
use crate::columns::columns;
use crate::evaluate::{Caller, partition_of};
use crate::matrix::{Axes, CallerKind, CallerRow, Goal, MOST_CELLS, Named};
use crate::operator::{How, Order, Test};
use crate::policy::{Policy, Who};

/// The rows and columns that distinguish some policies.
#[must_use]
pub fn axes(policies: &[&Policy], goals: &[Goal], role: Option<&Arn>) -> Axes {
    let mut rows = Rows::default();
    for goal in goals {
        if let Some(caller) = Caller::aws(&goal.principal, role) {
            rows.add(Named::Aws(goal.principal.clone()), CallerKind::Goal, caller);
        }
    }
    let mut accounts: BTreeSet<(String, String)> = BTreeSet::new();
    let statements = || policies.iter().flat_map(|policy| &policy.statements);
    for principal in statements().flat_map(|statement| &statement.principals) {
        let text = &principal.text.value;
        let named = match &principal.who {
            Who::Everyone | Who::Gone(_) | Who::Nobody => continue,
            Who::Account { account, partition } => {
                let partition = partition.as_deref().unwrap_or(partition_of(role));
                Named::Aws(Arn::root(partition, account).to_string())
            }
            Who::Role(_) | Who::User(_) | Who::Session(_) | Who::FederatedUser(_) => {
                Named::Aws(text.clone())
            }
            Who::Service(service) => Named::Service { service: service.clone() },
            Who::Provider(provider) => Named::Federated { federated: provider.clone() },
        };
        if let Some(caller) = named.caller(role) {
            if let Caller::Aws(arn) = &caller {
                accounts.insert((arn.partition.clone(), arn.account.clone()));
            }
            rows.add(named, CallerKind::Named, caller);
        }
    }
    accounts.extend(role.map(|role| (role.partition.clone(), role.account.clone())));
    let asked = Compared::of(policies);
    let whole = unnamed(&asked, role, accounts, &mut rows);
    let (ids, ids_left_out) = columns(policies, goals);
    let most = (MOST_CELLS / ids.len().max(1)).max(1);
    let left_out = rows.rows.len().saturating_sub(most) + ids_left_out + usize::from(!whole);
    // The last row stands for strangers, and tells more of a policy than any other.
    while rows.rows.len() > most.max(2) {
        rows.rows.remove(rows.rows.len() - 2);
    }
    Axes { callers: rows.rows, ids, left_out }
}

#[derive(Default)]
struct Rows {
    rows: Vec<CallerRow>,
    seen: BTreeSet<Caller>,
}

impl Rows {
    fn add(&mut self, principal: Named, kind: CallerKind, caller: Caller) {
        if self.seen.insert(caller.clone()) {
            self.rows.push(CallerRow { principal, kind, caller });
        }
    }

    fn add_arn(&mut self, text: &str, kind: CallerKind) {
        if let Ok(arn) = text.parse::<Arn>() {
            self.add(Named::Aws(text.to_owned()), kind, Caller::Aws(arn));
        }
    }

    /// The ARNs in rows that begin so.
    fn under<'r>(&'r self, prefix: &'r str) -> impl Iterator<Item = &'r str> {
        self.rows.iter().filter_map(move |row| match &row.principal {
            Named::Aws(text) if text.starts_with(prefix) => Some(text.as_str()),
            _ => None,
        })
    }
}

/// What conditions require of callers' ARNs and accounts.
#[derive(Default)]
struct Compared {
    /// Patterns over ARNs.
    arns: Vec<Pattern>,
    /// Patterns over accounts.
    accounts: Vec<Pattern>,
    /// ARNs that are written out.
    named: Vec<String>,
    /// Accounts that are written out, and their neighbours in order.
    numbers: Vec<String>,
}

impl Compared {
    fn of(policies: &[&Policy]) -> Self {
        let mut asked = Self::default();
        for policy in policies {
            let conditions = policy.statements.iter().flat_map(|one| &one.conditions);
            for test in conditions {
                let Test::Compare { how, .. } = test.operator.test else { continue };
                let over = |key: &str| test.key.value.eq_ignore_ascii_case(key);
                for value in &test.values {
                    // A variable may stand for anything.
                    let variables = policy.has_variables() && test.operator.takes_variables();
                    let (text, how) = match (variables, how) {
                        (true, How::Arn) => (opened(&value.value), How::Arn),
                        (true, _) if value.value.contains("${") => {
                            (opened(&value.value), How::StringLike)
                        }
                        _ => (value.value.clone(), how),
                    };
                    if over("aws:PrincipalArn") {
                        match Pattern::of(how, &text) {
                            Some(pattern) => push(&mut asked.arns, pattern),
                            None => asked.named.push(text),
                        }
                    } else if over("aws:PrincipalAccount") {
                        match Pattern::of(how, &text) {
                            Some(pattern) => push(&mut asked.accounts, pattern),
                            None => asked.numbers.extend(beside(how, &text)),
                        }
                    }
                }
            }
        }
        asked
    }
}

pub(crate) fn push(patterns: &mut Vec<Pattern>, pattern: Pattern) {
    if !patterns.contains(&pattern) {
        patterns.push(pattern);
    }
}

/// A text with a star for each of its variables.
fn opened(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((_, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push('*');
        rest = after;
    }
    out + rest
}

/// A value, and for an operator of order its neighbours on either side.
pub(crate) fn beside(how: How, value: &str) -> Vec<String> {
    let around = |number: i128, unit: i128| {
        [number - unit, number, number + unit].map(|one| (one / unit.abs()).to_string()).to_vec()
    };
    match how {
        How::Numeric(_) => match value.parse::<f64>() {
            #[allow(clippy::cast_possible_truncation, reason = "ids beyond that are no numbers")]
            Ok(number) if number.abs() < 1e15 => around(number as i128, 1),
            _ => Vec::new(),
        },
        How::Date(Order::Equal) => vec![value.to_owned()],
        How::Date(_) => match crate::instant::parse(value) {
            Some(at) => around(at, 1_000_000_000),
            None => Vec::new(),
        },
        How::Ip => vec![value.split('/').next().unwrap_or_default().to_owned()],
        _ => vec![value.to_owned()],
    }
}

/// The position of a principal's name in its ARN.
const KINDS: [(&str, &str); 3] = [("iam", "role/"), ("iam", "user/"), ("sts", "federated-user/")];

/// Adds the callers that only conditions tell apart, then one of each account, then the stranger. Says
/// whether these are all.
fn unnamed(
    asked: &Compared,
    role: Option<&Arn>,
    mut accounts: BTreeSet<(String, String)>,
    rows: &mut Rows,
) -> bool {
    let home = partition_of(role);
    let own = role.map(|role| role.account.as_str());
    for text in &asked.named {
        // A star in a text that is compared exactly is a star, and no ARN has one.
        if let Ok(arn) = text.parse::<Arn>()
            && is_account_id(&arn.account)
            && !text.contains(['*', '?'])
        {
            accounts.insert((arn.partition, arn.account));
            rows.add_arn(text, CallerKind::Named);
        }
    }
    let parts = |one: &Pattern| -> Option<(String, String)> {
        let mut parts = one.text.splitn(6, ':');
        Some((parts.nth(1)?.to_owned(), parts.nth(2)?.to_owned()))
    };
    let mut partitions = BTreeSet::from([home.to_owned()]);
    for (partition, account) in asked.arns.iter().filter_map(parts) {
        let partition = if partition.contains(['*', '?']) { home.to_owned() } else { partition };
        if is_account_id(&account) {
            accounts.insert((partition.clone(), account));
        }
        partitions.insert(partition);
    }
    let numbers = asked.numbers.iter().filter(|number| is_account_id(number));
    accounts.extend(numbers.map(|number| (home.to_owned(), number.clone())));
    let known: BTreeSet<String> = accounts.iter().map(|(_, account)| account.clone()).collect();
    let work = Work::new();
    let mut whole = true;
    let mut places = accounts;
    let mut stranger = String::new();
    for partition in &partitions {
        let (found, all) = classes_of_accounts(asked, partition, &known, &work);
        whole &= all;
        if partition == home {
            stranger = found.first().cloned().unwrap_or_default();
        }
        places.extend(found.into_iter().map(|account| (partition.clone(), account)));
    }
    // The role's own account stands first, the stranger's last.
    let stranger = (home.to_owned(), stranger);
    places.remove(&stranger);
    let mut places: Vec<(String, String)> = places.into_iter().collect();
    places.sort_by_key(|(_, account)| Some(account.as_str()) != own);
    places.push(stranger.clone());
    let mut others: Vec<(String, CallerKind)> = Vec::new();
    let mut walks = Names { known: HashMap::new(), work: &work };
    for place in &places {
        let (partition, account) = place;
        let kind = if *place == stranger {
            CallerKind::Stranger
        } else if known.contains(account) {
            CallerKind::OtherRole
        } else {
            CallerKind::Like
        };
        let (other, likes, all) = principals(asked, partition, account, rows, &mut walks);
        whole &= all;
        for arn in likes {
            rows.add_arn(&arn, CallerKind::Like);
        }
        others.push((other, kind));
    }
    others.sort_by_key(|(_, kind)| *kind);
    for (arn, kind) in others {
        rows.add_arn(&arn, kind);
    }
    whole
}

/// An account for each way in which patterns match, none of which is named; the one of which they say
/// least comes first.
fn classes_of_accounts(
    asked: &Compared,
    partition: &str,
    known: &BTreeSet<String>,
    work: &Work,
) -> (Vec<String>, bool) {
    let nobodys = || {
        (0..=known.len())
            .map(|n| format!("{:012}", 999_999_999_999_u64 - n as u64))
            .find(|account| !known.contains(account))
    };
    if asked.accounts.is_empty() && asked.arns.is_empty() {
        return (nobodys().into_iter().collect(), true);
    }
    let prefix = format!("arn:{partition}:iam::");
    let mut patterns: Vec<Pattern> = asked.accounts.iter().chain(&asked.arns).cloned().collect();
    let (accounts, all) = (asked.accounts.len(), patterns.len());
    let (found, whole) = loop {
        let from = patterns.iter().enumerate().map(|(at, one)| {
            let over_arns = (accounts..all).contains(&at);
            if over_arns { one.walk_all(&prefix) } else { one.start() }
        });
        let (found, whole) = walked(&patterns, from.collect(), Shape::Account, work);
        // An account that is named must not hide others that the patterns match as they do.
        let hidden = found.iter().filter(|one| known.contains(&one.text));
        let hidden: Vec<Pattern> = hidden
            .map(|one| Pattern::literal(&one.text))
            .filter(|one| !patterns.contains(one))
            .collect();
        if hidden.is_empty() {
            break (found, whole);
        }
        patterns.extend(hidden);
    };
    let mut classes: Vec<((usize, usize), String)> = Vec::new();
    for Walked { places, text } in found {
        if known.contains(&text) {
            continue;
        }
        let matched = patterns[..accounts]
            .iter()
            .zip(&places)
            .filter(|(one, places)| one.ends(places))
            .count();
        let alive = places[accounts..all].iter().map(Vec::len).sum();
        classes.push(((matched, alive), text));
    }
    classes.sort_by_key(|(says, _)| *says);
    let mut classes: Vec<String> = classes.into_iter().map(|(_, text)| text).collect();
    if classes.is_empty() {
        classes.extend(nobodys());
    }
    (classes, whole)
}

/// A set of patterns that match together, with a name of it.
type Class = (Vec<bool>, String);

/// Where each pattern is, and which word has come last.
type Before = (Vec<Places>, &'static str);

/// Names for the ways in which patterns match, by where they are before the name.
struct Names<'w> {
    known: HashMap<Before, (Vec<Class>, bool)>,
    work: &'w Work,
}

impl Names<'_> {
    /// A name for each way in which patterns match from there on, and whether these are all.
    fn of(
        &mut self,
        asked: &Compared,
        from: Vec<Places>,
        kind: &'static str,
    ) -> (Vec<Class>, bool) {
        let work = self.work;
        self.known
            .entry((from.clone(), kind))
            .or_insert_with(|| names(&asked.arns, from, kind, &[], work))
            .clone()
    }
}

/// A name for each way in which patterns match after what they have matched. `taken` are names that must not be used.
fn names(
    arns: &[Pattern],
    from: Vec<Places>,
    kind: &str,
    taken: &[&str],
    work: &Work,
) -> (Vec<Class>, bool) {
    let class = |name: &str| -> Vec<bool> {
        let walk = |one: &Pattern, at: &Places| {
            name.chars().fold(at.clone(), |places, c| one.walk(&places, c))
        };
        arns.iter().zip(&from).map(|(one, at)| one.ends(&walk(one, at))).collect()
    };
    let mut classes: Vec<Class> = Vec::new();
    let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
    for (pattern, _) in arns.iter().zip(&from).filter(|(_, at)| !at.is_empty()) {
        let text = pattern.text.as_str();
        let last = text.splitn(6, ':').nth(5);
        let last = last.or_else(|| text.find('*').map(|at| &text[at..])).unwrap_or(text);
        let tail = last.rsplit(':').next().unwrap_or_default();
        for text in made_up(tail, arns.len()) {
            let name = text.strip_prefix(kind).unwrap_or(&text);
            if Shape::Name.is(name) && !taken.contains(&name) {
                let class = class(name);
                if class.contains(&true) && seen.insert(class.clone()) {
                    classes.push((class, name.to_owned()));
                }
            }
        }
    }
    let mut patterns = arns.to_vec();
    let mut from = from;
    for name in taken {
        let literal = Pattern::literal(name);
        from.push(literal.start());
        patterns.push(literal);
    }
    let (found, whole) = walked(&patterns, from, Shape::Name, work);
    for one in found.into_iter().filter(|one| !taken.contains(&one.text.as_str())) {
        let class: Vec<bool> = arns.iter().zip(&one.places).map(|(one, at)| one.ends(at)).collect();
        if seen.insert(class.clone()) {
            classes.push((class, one.text));
        }
    }
    (classes, whole)
}

/// An account's principals: the role of which the patterns say least, and one for each other way in
/// which they match. Says whether these are all.
fn principals(
    asked: &Compared,
    partition: &str,
    account: &str,
    rows: &Rows,
    walks: &mut Names<'_>,
) -> (String, Vec<String>, bool) {
    let mut other = None;
    let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
    let mut likes: Vec<String> = Vec::new();
    let mut whole = true;
    for (service, kind) in KINDS {
        let prefix = format!("arn:{partition}:{service}::{account}:{kind}");
        let taken: Vec<&str> = rows.under(&prefix).map(|arn| &arn[prefix.len()..]).collect();
        let from: Vec<Places> = asked.arns.iter().map(|one| one.walk_all(&prefix)).collect();
        let none = vec![false; asked.arns.len()];
        if from.iter().all(Vec::is_empty) {
            if seen.insert(none) {
                let base = format!("any-other-{}", kind.trim_end_matches('/'));
                let arn = prefix.clone() + &free(&base, |name| taken.contains(&name));
                if kind == "role/" {
                    other = Some(arn);
                } else {
                    likes.push(arn);
                }
            }
            continue;
        }
        let (mut classes, mut all) = walks.of(asked, from.clone(), kind);
        // A name that stands in a row must not hide others that the patterns match as they do.
        if classes.iter().any(|(_, name)| taken.contains(&name.as_str())) {
            (classes, all) = names(&asked.arns, from, kind, &taken, walks.work);
        }
        whole &= all;
        let count = |class: &[bool]| class.iter().filter(|one| **one).count();
        let least = classes.iter().min_by_key(|(class, _)| count(class)).cloned();
        if kind == "role/" {
            let (least, name) = least.unwrap_or((none, String::new()));
            let is_other = |name: &str| {
                let arn = format!("{prefix}{name}");
                taken.contains(&name)
                    || !asked.arns.iter().map(|one| one.matches(&arn)).eq(least.iter().copied())
            };
            let nice = free("any-other-role", is_other);
            let name = if is_other(&nice) && !name.is_empty() { name } else { nice };
            other = Some(format!("{prefix}{name}"));
            seen.insert(least);
        }
        for (class, name) in classes {
            if seen.insert(class) {
                likes.push(format!("{prefix}{name}"));
            }
        }
    }
    // The root of an account brings its own ARN too.
    let root = format!("arn:{partition}:iam::{account}:root");
    let class: Vec<bool> = asked.arns.iter().map(|one| one.matches(&root)).collect();
    if class.contains(&true) && seen.insert(class) {
        likes.push(root);
    }
    (other.unwrap_or_default(), likes, whole)
}

/// A name that means nobody in particular: the first of its kind that is not among those that are meant.
pub(crate) fn free(base: &str, is_meant: impl Fn(&str) -> bool) -> String {
    let ends = ["", "x", "-7", "-q0", "zz9", "_k3", ".w8", "=j5"];
    let names = ends.iter().map(|end| format!("{base}{end}"));
    names.into_iter().find(|name| !is_meant(name)).unwrap_or_else(|| base.to_owned())
}
