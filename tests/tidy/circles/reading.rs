//! What the reader of a file knows where it stands, and what it has found that the file uses.

use std::collections::{BTreeMap, HashMap};

use syn::{Expr, ExprCall, ExprMethodCall, Generics, Pat, Type};

use super::names::{Names, Target};
use super::sources::components;
use super::types::{Known, Place};

/// Methods of wrappers that give what is within.
const UNWRAPPING: &str =
    "unwrap expect unwrap_or unwrap_or_else unwrap_or_default into_inner flatten";

/// Methods that give what they are called on, or another wrapper of the same.
const KEEPING: &str = "clone cloned copied to_owned by_ref borrow borrow_mut as_ref as_mut \
    as_deref as_deref_mut as_slice iter iter_mut into_iter peekable drain chain rev inspect filter \
    find next skip skip_while take take_while first first_mut last last_mut get get_mut \
    get_or_insert_with pop pop_front replace ok ok_or ok_or_else or_else map_err lock";

/// Tells whether a word is one of a list.
fn is_among(list: &str, word: &str) -> bool {
    list.split(' ').any(|it| it == word)
}

/// Walks through one file.
pub(super) struct Reader<'n, 'a> {
    /// What all names mean.
    pub(super) names: &'n Names<'a>,
    file: usize,
    /// The path of the module that is read.
    pub(super) path: Vec<String>,
    /// The module that is read, and what `Self` and parameters mean there.
    pub(super) place: Place,
    /// The variables of every block that is open.
    variables: Vec<HashMap<String, Option<Known>>>,
    /// What a closure among the arguments of a method gets.
    pub(super) handed: Option<Known>,
    /// By file, something that is used of it.
    pub(super) found: BTreeMap<usize, String>,
}

impl<'n, 'a> Reader<'n, 'a> {
    /// Begins to read a file.
    pub(super) fn of(names: &'n Names<'a>, file: usize, path: Vec<String>) -> Self {
        let place = Place { module: names.module(&path), ..Place::default() };
        let (variables, found) = (vec![HashMap::new()], BTreeMap::new());
        Self { names, file, path, place, variables, handed: None, found }
    }
}

impl Reader<'_, '_> {
    fn note(&mut self, target: Target, name: &str) {
        let file = match target {
            Target::Module(_) => return,
            Target::Item(item) => self.names.item(item).file,
            Target::Member(member) => self.names.member(member).file,
        };
        if file != self.file {
            self.found.entry(file).or_insert_with(|| name.to_owned());
        }
    }

    /// Finds what a path means here.
    fn meanings(&self, path: &[String]) -> Vec<Target> {
        match path {
            [first, ..] if self.place.parameters.contains_key(first) => Vec::new(),
            [first, rest @ ..] if first == "Self" => {
                let Some(own) = self.place.own else { return Vec::new() };
                let members = rest.first().map(|name| self.names.members_named(own, name));
                let members = members.into_iter().flatten().map(Target::Member);
                std::iter::once(Target::Item(own)).chain(members).collect()
            }
            path => self.names.resolve(self.place.module, path),
        }
    }

    /// Notes what a path leads to.
    pub(super) fn note_path(&mut self, path: &[String]) {
        let count = path.len();
        for target in self.meanings(path) {
            let is_above = matches!(target, Target::Item(_)) && self.is_below(target, path);
            let name = &path[if is_above { count - 2 } else { count - 1 }];
            self.note(target, name);
        }
    }

    /// Tells whether the last component of a path is a member or variant of an item.
    fn is_below(&self, target: Target, path: &[String]) -> bool {
        path.len() > 1 && self.meanings(&path[..path.len() - 1]).contains(&target)
    }

    /// Notes a method.
    pub(super) fn note_method(&mut self, known: Option<Known>, name: &str) {
        let Some(known) = known.filter(|known| known.depth == 0) else { return };
        for member in self.names.members_named(known.item, name) {
            self.note(Target::Member(member), name);
        }
    }

    /// Notes that a field is named, which its type's file declares.
    pub(super) fn note_field(&mut self, known: Option<Known>, name: &str) {
        if let Some(known) = known.filter(|known| known.depth == 0) {
            self.note(Target::Item(known.item), name);
        }
    }

    /// Tells whether a name is one of a variable.
    pub(super) fn is_variable(&self, name: &str) -> bool {
        name == "self" || self.variables.iter().any(|block| block.contains_key(name))
    }

    /// Returns the type of a variable.
    pub(super) fn variable(&self, name: &str) -> Option<Known> {
        if name == "self" {
            return self.place.own.map(Known::plain);
        }
        self.variables.iter().rev().find_map(|block| block.get(name).copied())?
    }

    /// Finds the type of a field.
    pub(super) fn field(&self, known: Option<Known>, name: &str) -> Option<Known> {
        let known = known.filter(|known| known.depth == 0)?;
        self.names.field(known.item, name)
    }

    /// Finds the type of a field of a struct, or of a variant.
    fn part(&self, item: Option<Known>, path: &[String], name: &str) -> Option<Known> {
        let variant = path.last().map_or("", String::as_str);
        self.field(item, name).or_else(|| self.field(item, &format!("{variant}.{name}")))
    }

    /// Finds the type of an expression.
    pub(super) fn type_of(&self, expression: &Expr) -> Option<Known> {
        match expression {
            Expr::Path(it) if it.qself.is_none() => {
                let path = components(&it.path);
                match path.as_slice() {
                    [name] if self.is_variable(name) => self.variable(name),
                    path => self.given(path),
                }
            }
            Expr::Field(it) => {
                let name = match &it.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                };
                self.field(self.type_of(&it.base), &name)
            }
            Expr::MethodCall(it) => self.type_of_call(it),
            Expr::Call(it) => self.type_of_function(it),
            Expr::Struct(it) => self.given(&components(&it.path)),
            Expr::Try(it) => self.type_of(&it.expr).map(Known::unwrapped),
            Expr::Index(it) => self.type_of(&it.expr).map(Known::unwrapped),
            Expr::Await(it) => self.type_of(&it.base),
            Expr::Reference(it) => self.type_of(&it.expr),
            Expr::Paren(it) => self.type_of(&it.expr),
            Expr::Group(it) => self.type_of(&it.expr),
            Expr::Unary(it) => self.type_of(&it.expr),
            _ => None,
        }
    }

    /// Finds what a path gives: of a member what it returns, of a type itself.
    fn given(&self, path: &[String]) -> Option<Known> {
        let meanings = self.meanings(path);
        self.names.given(*meanings.last()?)
    }

    fn type_of_function(&self, call: &ExprCall) -> Option<Known> {
        let Expr::Path(function) = &*call.func else { return None };
        let path = components(&function.path);
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let argument = || self.type_of(call.args.first()?);
        match path.as_slice() {
            ["Some" | "Ok"] | ["Mutex" | "RefCell", "new"] => argument().map(Known::wrapped),
            ["Arc" | "Rc" | "Box" | "Pin", _] => argument(),
            _ => self.given(&components(&function.path)),
        }
    }

    fn type_of_call(&self, call: &ExprMethodCall) -> Option<Known> {
        let known = self.type_of(&call.receiver)?;
        let name = call.method.to_string();
        let mut members = Vec::new();
        if known.depth == 0 {
            members = self.names.members_named(known.item, &name);
        }
        if let Some(member) = members.first() {
            return self.names.given(Target::Member(*member));
        }
        if known.depth > 0 && is_among(UNWRAPPING, &name) {
            return Some(known.unwrapped());
        }
        is_among(KEEPING, &name).then_some(known)
    }

    /// Lets a pattern's variables be known.
    pub(super) fn bind(&mut self, pattern: &Pat, known: Option<Known>) {
        match pattern {
            Pat::Ident(it) => {
                let block = self.variables.last_mut().expect("the file is a block");
                block.insert(it.ident.to_string(), known);
                if let Some((_, below)) = &it.subpat {
                    self.bind(below, known);
                }
            }
            Pat::Type(it) => self.bind_written(&it.pat, &it.ty),
            Pat::Reference(it) => self.bind(&it.pat, known),
            Pat::Paren(it) => self.bind(&it.pat, known),
            Pat::Or(it) => it.cases.iter().for_each(|case| self.bind(case, known)),
            Pat::Slice(it) => {
                it.elems.iter().for_each(|part| self.bind(part, known.map(Known::unwrapped)));
            }
            Pat::Tuple(it) => it.elems.iter().for_each(|part| self.bind(part, None)),
            Pat::TupleStruct(it) => {
                let path = components(&it.path);
                let is_wrapper = matches!(path.join("::").as_str(), "Some" | "Ok" | "Poll::Ready");
                let item = if is_wrapper { None } else { self.given(&path) };
                for (number, part) in it.elems.iter().enumerate() {
                    let within = if is_wrapper {
                        known.map(Known::unwrapped)
                    } else {
                        self.part(item, &path, &number.to_string())
                    };
                    self.bind(part, within);
                }
            }
            Pat::Struct(it) => {
                let path = components(&it.path);
                let item = self.given(&path);
                for part in &it.fields {
                    let syn::Member::Named(name) = &part.member else { continue };
                    let within = self.part(item, &path, &name.to_string());
                    self.bind(&part.pat, within);
                }
            }
            _ => (),
        }
    }

    /// Lets a pattern's variables be known by a type that is written there.
    pub(super) fn bind_written(&mut self, pattern: &Pat, written: &Type) {
        match (pattern, written) {
            (Pat::Tuple(parts), Type::Tuple(types)) => {
                for (part, written) in parts.elems.iter().zip(&types.elems) {
                    self.bind_written(part, written);
                }
            }
            (pattern, Type::Reference(it)) if matches!(*it.elem, Type::Tuple(_)) => {
                self.bind_written(pattern, &it.elem);
            }
            (pattern, written) => {
                let known = self.names.known(written, &self.place);
                self.bind(pattern, known);
            }
        }
    }

    /// Reads something that has variables of its own.
    pub(super) fn within(&mut self, read: impl FnOnce(&mut Self)) {
        self.variables.push(HashMap::new());
        read(self);
        self.variables.pop();
    }

    /// Reads something that has parameters of its own, and perhaps another `Self`.
    pub(super) fn with(
        &mut self,
        generics: &Generics,
        own: Option<usize>,
        read: impl FnOnce(&mut Self),
    ) {
        let outer = self.place.clone();
        self.place.own = own;
        self.place.learn(self.names, generics);
        read(self);
        self.place = outer;
    }
}
