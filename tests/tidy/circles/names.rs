//! What a name in the sources means: the tree of modules, their items, and what they import.

use std::collections::{BTreeSet, HashMap};

use syn::{Generics, ImplItem, ItemImpl, ItemTrait, Signature, TraitItem, Type};

use super::sources::{components, is_for_tests};

/// Imports that lead to imports are followed so often, in case they run in a circle.
const STEPS_MAX: usize = 12;

/// A module: a file, or a block within one.
struct Module {
    parent: usize,
    names: HashMap<String, Vec<Name>>,
    globs: Vec<Vec<String>>,
}

/// What a module knows by a name.
pub(super) enum Name {
    /// A module below it.
    Module(usize),
    /// An item that stands there.
    Item(usize),
    /// What another path leads to.
    Import(Vec<String>),
}

/// Something that is defined once.
pub(super) struct Item<'a> {
    /// The number of its file.
    pub(super) file: usize,
    /// The number of its module.
    pub(super) module: usize,
    /// Its own parameters.
    pub(super) generics: Option<&'a Generics>,
    /// What it is.
    pub(super) kind: Kind<'a>,
}

/// What an item is, as far as it says of which type something else is.
pub(super) enum Kind<'a> {
    /// A struct with its fields, an enum, or a trait.
    Type(Vec<(String, &'a Type)>),
    /// A second name of a type.
    Alias(&'a Type),
    /// A function.
    Function(&'a Signature),
    /// A constant.
    Value(&'a Type),
    /// A macro.
    Macro,
}

/// A function or constant of a type or trait.
pub(super) struct Member<'a> {
    /// The number of the file that its block stands in.
    pub(super) file: usize,
    /// The number of the module that its block stands in.
    pub(super) module: usize,
    /// The type.
    pub(super) owner: usize,
    /// The parameters of the block.
    pub(super) generics: &'a Generics,
    /// The head of a function.
    pub(super) signature: Option<&'a Signature>,
    /// It belongs to a trait that is not the crate's, of which a type may have many blocks.
    pub(super) is_foreign: bool,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A module.
    Module(usize),
    /// An item.
    Item(usize),
    /// A member of an item.
    Member(usize),
}

/// All names of the sources.
#[derive(Default)]
pub(super) struct Names<'a> {
    modules: Vec<Module>,
    paths: HashMap<Vec<String>, usize>,
    items: Vec<Item<'a>>,
    members: Vec<Member<'a>>,
    members_of: HashMap<(usize, String), Vec<usize>>,
    traits_of: HashMap<usize, Vec<usize>>,
}

/// A block that gives members to a type, and where it stands: file and module.
pub(super) type Block<'a> = (usize, usize, &'a ItemImpl);

impl<'a> Names<'a> {
    /// Returns the module with this path, which is made where it is new.
    pub(super) fn module_at(&mut self, path: &[String]) -> usize {
        if let Some(module) = self.paths.get(path) {
            return *module;
        }
        let parent = match path {
            [] => 0,
            [above @ .., _] => self.module_at(above),
        };
        self.modules.push(Module { parent, names: HashMap::new(), globs: Vec::new() });
        self.paths.insert(path.to_vec(), self.modules.len() - 1);
        self.modules.len() - 1
    }

    /// Returns the module with this path, which is there.
    pub(super) fn module(&self, path: &[String]) -> usize {
        self.paths[path]
    }

    /// Tells whether a file or block is the module with this path.
    pub(super) fn has_module(&self, path: &[String]) -> bool {
        self.paths.contains_key(path)
    }

    /// Returns an item.
    pub(super) fn item(&self, number: usize) -> &Item<'a> {
        &self.items[number]
    }

    /// Returns a member.
    pub(super) fn member(&self, number: usize) -> &Member<'a> {
        &self.members[number]
    }

    /// Lets a module know something by a name.
    pub(super) fn add_name(&mut self, module: usize, name: String, means: Name) {
        match means {
            Name::Import(path) if name == "*" => self.modules[module].globs.push(path),
            means => self.modules[module].names.entry(name).or_default().push(means),
        }
    }

    /// Adds an item under its name.
    pub(super) fn add_item(&mut self, name: &syn::Ident, item: Item<'a>) -> usize {
        let (module, number) = (item.module, self.items.len());
        self.items.push(item);
        self.add_name(module, name.to_string(), Name::Item(number));
        number
    }

    /// Adds what a trait names.
    pub(super) fn add_trait(&mut self, owner: usize, item: &'a ItemTrait) {
        for part in &item.items {
            let (name, signature) = match part {
                TraitItem::Fn(it) => (&it.sig.ident, Some(&it.sig)),
                TraitItem::Const(it) => (&it.ident, None),
                _ => continue,
            };
            let Item { file, module, .. } = self.items[owner];
            let generics = &item.generics;
            let member = Member { file, module, owner, generics, signature, is_foreign: false };
            self.add_member(name, member);
        }
    }

    /// Adds what a block gives to its type.
    pub(super) fn add_block(&mut self, (file, module, block): Block<'a>) {
        let Some(owner) = self.type_at(module, &block.self_ty) else { return };
        let of_crate = block.trait_.as_ref().map(|(_, path, _)| {
            let found = self.resolve(module, &components(path));
            found.into_iter().find_map(|it| match it {
                Target::Item(item) => Some(item),
                _ => None,
            })
        });
        if let Some(Some(item)) = of_crate {
            self.traits_of.entry(owner).or_default().push(item);
        }
        for part in &block.items {
            let (name, signature) = match part {
                ImplItem::Fn(it) if !is_for_tests(&it.attrs) => (&it.sig.ident, Some(&it.sig)),
                ImplItem::Const(it) => (&it.ident, None),
                _ => continue,
            };
            let (generics, is_foreign) = (&block.generics, of_crate == Some(None));
            let member = Member { file, module, owner, generics, signature, is_foreign };
            self.add_member(name, member);
        }
    }

    fn add_member(&mut self, name: &syn::Ident, member: Member<'a>) {
        let key = (member.owner, name.to_string());
        self.members_of.entry(key).or_default().push(self.members.len());
        self.members.push(member);
    }

    /// Returns the type of the crate that a block is for.
    pub(super) fn type_at(&self, module: usize, written: &Type) -> Option<usize> {
        let path = match written {
            Type::Path(path) if path.qself.is_none() => &path.path,
            Type::Reference(reference) => return self.type_at(module, &reference.elem),
            _ => return None,
        };
        self.resolve(module, &components(path)).into_iter().find_map(|found| match found {
            Target::Item(item) => self.unaliased(item),
            _ => None,
        })
    }

    /// Follows the second names of a type.
    pub(super) fn unaliased(&self, item: usize) -> Option<usize> {
        match self.items[item].kind {
            Kind::Type(_) => Some(item),
            Kind::Alias(written) => self.type_at(self.items[item].module, written),
            _ => None,
        }
    }

    /// Finds the members of a type that have this name, the defaults of its traits last.
    pub(super) fn members_named(&self, item: usize, name: &str) -> Vec<usize> {
        let own = |item| self.members_of.get(&(item, name.to_owned())).into_iter().flatten();
        let (foreign, ours): (Vec<usize>, Vec<usize>) =
            own(item).partition(|it| self.members[**it].is_foreign);
        if !ours.is_empty() {
            return ours;
        }
        // Which of several blocks of one foreign trait is meant, as of `From`, cannot be told.
        let files: BTreeSet<_> = foreign.iter().map(|it| self.members[*it].file).collect();
        if !foreign.is_empty() {
            return if files.len() == 1 { foreign } else { Vec::new() };
        }
        let traits = self.traits_of.get(&item).into_iter().flatten();
        traits.flat_map(|it| own(*it)).copied().collect()
    }

    /// Finds what a path means in a module: every meaning it may have, on any system.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> Vec<Target> {
        let mut found = self.follow(module, path, STEPS_MAX);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn follow(&self, module: usize, path: &[String], steps: usize) -> Vec<Target> {
        let (Some((first, rest)), Some(steps)) = (path.split_first(), steps.checked_sub(1)) else {
            return Vec::new();
        };
        let begins = match first.as_str() {
            "crate" | "lsync" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => vec![Target::Module(self.modules[module].parent)],
            name => self.look_up(module, name, rest.is_empty(), steps),
        };
        begins.into_iter().flat_map(|target| self.descend(target, rest, steps)).collect()
    }

    fn descend(&self, target: Target, rest: &[String], steps: usize) -> Vec<Target> {
        let Some((next, after)) = rest.split_first() else { return vec![target] };
        match target {
            // In an import, `self` is the module, and not the function that may share its name.
            Target::Module(_) if next == "self" => self.descend(target, after, steps),
            Target::Module(module) if next == "super" => {
                self.descend(Target::Module(self.modules[module].parent), after, steps)
            }
            Target::Module(module) => self
                .look_up(module, next, after.is_empty(), steps)
                .into_iter()
                .flat_map(|target| self.descend(target, after, steps))
                .collect(),
            Target::Item(item) => {
                let owner = self.unaliased(item).unwrap_or(item);
                let members = self.members_named(owner, next).into_iter().map(Target::Member);
                std::iter::once(target).chain(members).collect()
            }
            Target::Member(_) => vec![target],
        }
    }

    /// Finds what a module knows by a name. A module and a function may share one: where the path
    /// goes on the module is meant, and at its end the function.
    fn look_up(&self, module: usize, name: &str, is_last: bool, steps: usize) -> Vec<Target> {
        let names = self.modules[module].names.get(name);
        let mut found = Vec::new();
        for means in names.into_iter().flatten() {
            match means {
                Name::Module(module) if !is_last => return vec![Target::Module(*module)],
                Name::Module(module) => found.push(Target::Module(*module)),
                Name::Item(item) => found.push(Target::Item(*item)),
                Name::Import(path) => found.extend(self.follow(module, path, steps)),
            }
        }
        let is_type = |target: &Target| match target {
            Target::Item(item) => matches!(self.items[*item].kind, Kind::Type(_) | Kind::Alias(_)),
            Target::Module(_) => true,
            Target::Member(_) => false,
        };
        if !is_last {
            found.retain(is_type);
        } else if found.iter().any(|target| matches!(target, Target::Item(_))) {
            found.retain(|target| !matches!(target, Target::Module(_)));
        }
        if found.is_empty() && names.is_none() {
            for glob in &self.modules[module].globs {
                for target in self.follow(module, glob, steps) {
                    if let Target::Module(module) = target {
                        let Some(steps) = steps.checked_sub(1) else { break };
                        found.extend(self.look_up(module, name, is_last, steps));
                    }
                }
            }
        }
        found
    }
}
