//! The files of production code, parsed.

use std::collections::BTreeSet;

use syn::{Attribute, Item, Meta, UseTree};

/// A file of production code.
pub(super) struct Source {
    /// Its name from the top of the repository.
    pub(super) name: String,
    /// What it says.
    pub(super) syntax: syn::File,
}

/// Tells whether something is compiled for tests only.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => {
            list.path.is_ident("cfg")
                && list.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        }
        Meta::NameValue(_) => false,
    })
}

/// Returns the attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Returns the components of a path, without its parameters.
pub(super) fn components(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// Returns what an import brings in: every path with the name that it gets, `*` for all.
pub(super) fn imported(tree: &UseTree, above: &[String]) -> Vec<(Vec<String>, String)> {
    let below = |name: &syn::Ident| [above, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => imported(&path.tree, &below(&path.ident)),
        UseTree::Group(group) => group.items.iter().flat_map(|it| imported(it, above)).collect(),
        UseTree::Glob(_) => vec![(above.to_vec(), "*".to_owned())],
        UseTree::Name(name) if name.ident == "self" => {
            vec![(below(&name.ident), above.last().cloned().unwrap_or_default())]
        }
        UseTree::Name(name) => vec![(below(&name.ident), name.ident.to_string())],
        UseTree::Rename(name) => vec![(below(&name.ident), name.rename.to_string())],
    }
}

/// Returns the path of a file's module below the crate.
pub(super) fn module_path(name: &str) -> Vec<String> {
    let below = name.strip_prefix("src/").unwrap_or(name).trim_end_matches(".rs");
    let mut path: Vec<_> = below.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || below == "lib" {
        path.pop();
    }
    path
}

/// Parses the files of production code.
pub(super) fn parse(files: &[(String, String)]) -> Vec<Source> {
    let mut sources: Vec<_> = files
        .iter()
        .filter(|(name, _)| !crate::is_test_file(name))
        .map(|(name, text)| {
            let syntax = syn::parse_file(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            Source { name: name.clone(), syntax }
        })
        .collect();
    let mut of_tests = BTreeSet::new();
    for source in &sources {
        for item in &source.syntax.items {
            let Item::Mod(module) = item else { continue };
            let has_path = module.attrs.iter().any(|it| it.path().is_ident("path"));
            if is_for_tests(&module.attrs) {
                let path = [module_path(&source.name), vec![module.ident.to_string()]].concat();
                of_tests.insert(path);
            } else {
                assert!(!has_path, "{}: the rule does not know #[path]", source.name);
            }
        }
    }
    sources.retain(|source| {
        let path = module_path(&source.name);
        !(1..=path.len()).any(|count| of_tests.contains(&path[..count]))
    });
    sources
}
