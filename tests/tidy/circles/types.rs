//! Of which type something is, as far as what is declared says so.

use std::collections::HashMap;

use syn::{
    AngleBracketedGenericArguments, GenericArgument, GenericParam, Generics, Path, PathArguments,
    ReturnType, Signature, Type, TypeParamBound,
};

use super::names::{Kind, Names, Target};
use super::sources::components;

/// What has the methods of what it holds.
const TRANSPARENT: &[&str] = &["Arc", "Rc", "Box", "Pin", "MutexGuard", "BoxFuture", "Cow"];

/// What has methods of its own, and something within.
const WRAPPERS: &[&str] =
    &["Option", "Result", "Mutex", "RefCell", "Vec", "VecDeque", "OnceLock", "Iterator", "Poll"];

/// A type of the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The type.
    pub(super) item: usize,
    /// How many wrappers are around it, as `Option` or `Vec`.
    pub(super) depth: u8,
}

impl Known {
    /// The type itself.
    pub(super) fn plain(item: usize) -> Self {
        Self { item, depth: 0 }
    }

    /// With one wrapper more.
    pub(super) fn wrapped(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    /// With one wrapper less.
    pub(super) fn unwrapped(self) -> Self {
        Self { depth: self.depth.saturating_sub(1), ..self }
    }
}

/// Where a type is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The module.
    pub(super) module: usize,
    /// What `Self` means.
    pub(super) own: Option<usize>,
    /// What the parameters are known to be: a trait of the crate.
    pub(super) parameters: HashMap<String, Option<usize>>,
}

impl Place {
    /// Learns the parameters of an item.
    pub(super) fn learn(&mut self, names: &Names<'_>, generics: &Generics) {
        for parameter in &generics.params {
            let GenericParam::Type(parameter) = parameter else { continue };
            let bound = names.bound(&parameter.bounds, self).map(|known| known.item);
            self.parameters.insert(parameter.ident.to_string(), bound);
        }
    }
}

/// Returns the type arguments of the last component of a path.
fn arguments(path: &Path) -> Option<&AngleBracketedGenericArguments> {
    match &path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    }
}

impl Names<'_> {
    /// Finds the type of the crate that is written somewhere.
    pub(super) fn known(&self, written: &Type, place: &Place) -> Option<Known> {
        match written {
            Type::Reference(it) => self.known(&it.elem, place),
            Type::Paren(it) => self.known(&it.elem, place),
            Type::Group(it) => self.known(&it.elem, place),
            Type::Slice(it) => self.known(&it.elem, place).map(Known::wrapped),
            Type::Array(it) => self.known(&it.elem, place).map(Known::wrapped),
            Type::ImplTrait(it) => self.bound(&it.bounds, place),
            Type::TraitObject(it) => self.bound(&it.bounds, place),
            Type::Path(it) if it.qself.is_none() => self.known_path(&it.path, place),
            _ => None,
        }
    }

    fn known_path(&self, path: &Path, place: &Place) -> Option<Known> {
        let names = components(path);
        let first = names.first()?;
        if let Some(parameter) = place.parameters.get(first) {
            return parameter.filter(|_| names.len() == 1).map(Known::plain);
        }
        if first == "Self" {
            return place.own.filter(|_| names.len() == 1).map(Known::plain);
        }
        for target in self.resolve(place.module, &names) {
            let Target::Item(item) = target else { continue };
            match self.item(item).kind {
                Kind::Type(_) => return Some(Known::plain(item)),
                Kind::Alias(written) => return self.known(written, &self.place_of(item)),
                _ => (),
            }
        }
        let within = arguments(path)?.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(within) => Some(within),
            _ => None,
        })?;
        let last = names.last()?.as_str();
        if TRANSPARENT.contains(&last) {
            return self.known(within, place);
        }
        WRAPPERS.contains(&last).then(|| self.known(within, place).map(Known::wrapped))?
    }

    /// Finds the trait of the crate among bounds, or what a future or iterator gives.
    fn bound<'b>(
        &self,
        bounds: impl IntoIterator<Item = &'b TypeParamBound>,
        place: &Place,
    ) -> Option<Known> {
        bounds.into_iter().find_map(|bound| {
            let TypeParamBound::Trait(bound) = bound else { return None };
            let given = arguments(&bound.path).and_then(|arguments| {
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::AssocType(given) => Some((given.ident == "Item", &given.ty)),
                    _ => None,
                })
            });
            if let Some((is_many, given)) = given {
                let known = self.known(given, place)?;
                return Some(if is_many { known.wrapped() } else { known });
            }
            let found = self.resolve(place.module, &components(&bound.path));
            found.into_iter().find_map(|target| match target {
                Target::Item(item) => Some(Known::plain(item)),
                _ => None,
            })
        })
    }

    /// Returns where an item is written.
    pub(super) fn place_of(&self, item: usize) -> Place {
        let mut place = Place { module: self.item(item).module, ..Place::default() };
        if let Some(generics) = self.item(item).generics {
            place.own = Some(item);
            place.learn(self, generics);
        }
        place
    }

    /// Finds the type of a field.
    pub(super) fn field(&self, item: usize, name: &str) -> Option<Known> {
        let Kind::Type(fields) = &self.item(item).kind else { return None };
        let (_, written) = fields.iter().find(|(field, _)| field == name)?;
        self.known(written, &self.place_of(item))
    }

    /// Finds what something gives when it is called, or is.
    pub(super) fn given(&self, target: Target) -> Option<Known> {
        match target {
            Target::Module(_) => None,
            Target::Item(item) => match self.item(item).kind {
                Kind::Type(_) => Some(Known::plain(item)),
                Kind::Alias(written) | Kind::Value(written) => {
                    self.known(written, &self.place_of(item))
                }
                Kind::Function(signature) => self.returned(signature, self.place_of(item)),
                Kind::Macro => None,
            },
            Target::Member(member) => {
                let member = self.member(member);
                let mut place = Place { module: member.module, ..Place::default() };
                place.own = Some(member.owner);
                place.learn(self, member.generics);
                self.returned(member.signature?, place)
            }
        }
    }

    fn returned(&self, signature: &Signature, mut place: Place) -> Option<Known> {
        place.learn(self, &signature.generics);
        match &signature.output {
            ReturnType::Type(_, written) => self.known(written, &place),
            ReturnType::Default => None,
        }
    }
}
