//! Fills in the names of files: what they define, and what they import.

use syn::visit::{self, Visit};
use syn::{Fields, ImplItemFn, Item as Written, ItemEnum, ItemImpl, ItemMod, ItemUse};

use super::names::{Block, Item, Kind, Name, Names};
use super::sources::{Source, attributes, imported, is_for_tests, module_path};

/// Walks through one file.
struct Filler<'n, 'a> {
    names: &'n mut Names<'a>,
    file: usize,
    /// Where it is.
    path: Vec<String>,
    module: usize,
    blocks: Vec<Block<'a>>,
}

/// Reads what the files define and import.
pub(super) fn names_of(sources: &[Source]) -> Names<'_> {
    let mut names = Names::default();
    names.module_at(&[]);
    for source in sources {
        names.module_at(&module_path(&source.name));
    }
    let mut blocks = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        blocks.extend(fill(&mut names, file, source));
    }
    // Whose blocks they are is known only when all names are.
    for block in blocks {
        names.add_block(block);
    }
    names
}

/// Adds the names of a file, and returns the blocks that give members to types.
fn fill<'a>(names: &mut Names<'a>, file: usize, source: &'a Source) -> Vec<Block<'a>> {
    let path = module_path(&source.name);
    let module = names.module_at(&path);
    let mut filler = Filler { names, file, path, module, blocks: Vec::new() };
    filler.visit_file(&source.syntax);
    filler.blocks
}

/// Returns the fields of a struct by name or number.
fn fields(fields: &Fields) -> Vec<(String, &syn::Type)> {
    let named = fields.iter().enumerate().map(|(number, field)| {
        let name = field.ident.as_ref().map_or_else(|| number.to_string(), ToString::to_string);
        (name, &field.ty)
    });
    named.collect()
}

/// Returns the fields of an enum, as `Variant.field`.
fn variants(item: &ItemEnum) -> Vec<(String, &syn::Type)> {
    item.variants
        .iter()
        .flat_map(|variant| {
            let below = move |(name, written)| (format!("{}.{name}", variant.ident), written);
            fields(&variant.fields).into_iter().map(below)
        })
        .collect()
}

impl<'a> Visit<'a> for Filler<'_, 'a> {
    fn visit_item(&mut self, written: &'a Written) {
        if is_for_tests(attributes(written)) {
            return;
        }
        let (name, generics, kind) = match written {
            Written::Struct(it) => (&it.ident, Some(&it.generics), Kind::Type(fields(&it.fields))),
            Written::Enum(it) => (&it.ident, Some(&it.generics), Kind::Type(variants(it))),
            Written::Trait(it) => (&it.ident, Some(&it.generics), Kind::Type(Vec::new())),
            Written::Type(it) => (&it.ident, Some(&it.generics), Kind::Alias(&it.ty)),
            Written::Fn(it) => (&it.sig.ident, None, Kind::Function(&it.sig)),
            Written::Const(it) => (&it.ident, None, Kind::Value(&it.ty)),
            Written::Static(it) => (&it.ident, None, Kind::Value(&it.ty)),
            Written::Macro(syn::ItemMacro { ident: Some(ident), .. }) => (ident, None, Kind::Macro),
            _ => return visit::visit_item(self, written),
        };
        let item = Item { file: self.file, module: self.module, generics, kind };
        let number = self.names.add_item(name, item);
        if let Written::Trait(item) = written {
            self.names.add_trait(number, item);
        }
        visit::visit_item(self, written);
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        self.path.push(module.ident.to_string());
        if module.content.is_some() || self.names.has_module(&self.path) {
            let below = self.names.module_at(&self.path);
            self.names.add_name(self.module, module.ident.to_string(), Name::Module(below));
            let above = std::mem::replace(&mut self.module, below);
            visit::visit_item_mod(self, module);
            self.module = above;
        }
        self.path.pop();
    }

    fn visit_item_use(&mut self, import: &'a ItemUse) {
        // One that stands in a function counts for the whole module.
        for (path, name) in imported(&import.tree, &[]) {
            self.names.add_name(self.module, name, Name::Import(path));
        }
    }

    fn visit_item_impl(&mut self, block: &'a ItemImpl) {
        self.blocks.push((self.file, self.module, block));
        visit::visit_item_impl(self, block);
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}
