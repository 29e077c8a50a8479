//! Reads a file for what it uses of others: goes through its items, blocks and expressions.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprAssign, ExprClosure, ExprField, ExprForLoop, ExprIf, ExprLet,
    ExprMatch, ExprMethodCall, ExprPath, ExprWhile, Field, FnArg, ImplItem, Item, ItemFn, ItemImpl,
    ItemMod, ItemTrait, ItemUse, Local, Macro, Pat, PatIdent, Path, Signature, Stmt, TraitItem,
    Visibility,
};

use super::names::{Names, Target};
use super::reading::Reader;
use super::sources::{Source, attributes, components, imported, is_for_tests, module_path};
use super::types::Known;

/// Finds the files that a file uses, and something that it uses of each.
pub(super) fn used(names: &Names<'_>, file: usize, source: &Source) -> BTreeMap<usize, String> {
    let mut reader = Reader::of(names, file, module_path(&source.name));
    reader.visit_file(&source.syntax);
    reader.found
}

impl Reader<'_, '_> {
    /// Reads a function with its body.
    fn function(&mut self, signature: &Signature, body: Option<&Block>) {
        self.with(&signature.generics, self.place.own, |it| {
            it.within(|it| {
                it.visit_signature(signature);
                for input in &signature.inputs {
                    if let FnArg::Typed(input) = input {
                        it.bind_written(&input.pat, &input.ty);
                    }
                }
                if let Some(body) = body {
                    it.visit_block(body);
                }
            });
        });
    }

    /// Reads a part of a `match` or `if` whose pattern has this type.
    fn branch(&mut self, pattern: &Pat, scrutinee: &Expr) {
        let known = self.type_of(scrutinee);
        self.visit_pat(pattern);
        self.bind(pattern, known);
    }
}

impl<'ast> Visit<'ast> for Reader<'_, '_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        let generics = match item {
            Item::Struct(it) => &it.generics,
            Item::Enum(it) => &it.generics,
            Item::Type(it) => &it.generics,
            _ => return visit::visit_item(self, item),
        };
        self.with(generics, None, |it| visit::visit_item(it, item));
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, Some(&function.block));
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let own = self.names.type_at(self.place.module, &block.self_ty);
        self.with(&block.generics, own, |it| visit::visit_item_impl(it, block));
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let found = self.names.resolve(self.place.module, &[item.ident.to_string()]);
        let own = found.into_iter().find_map(|target| match target {
            Target::Item(item) => Some(item),
            _ => None,
        });
        self.with(&item.generics, own, |it| visit::visit_item_trait(it, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(it) if is_for_tests(&it.attrs) => (),
            ImplItem::Fn(it) => self.function(&it.sig, Some(&it.block)),
            item => visit::visit_impl_item(self, item),
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        match item {
            TraitItem::Fn(it) => self.function(&it.sig, it.default.as_ref()),
            item => visit::visit_trait_item(self, item),
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_none() {
            return;
        }
        self.path.push(module.ident.to_string());
        let outer = self.place.module;
        self.place.module = self.names.module(&self.path);
        visit::visit_item_mod(self, module);
        self.place.module = outer;
        self.path.pop();
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        // What is handed on is used by those who name it.
        if matches!(import.vis, Visibility::Inherited) {
            for (path, _) in imported(&import.tree, &[]) {
                self.note_path(&path);
            }
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_visibility(&mut self, _visibility: &'ast Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.read_attribute(attribute);
    }

    fn visit_macro(&mut self, it: &'ast Macro) {
        self.visit_path(&it.path);
        self.read_macro(it);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.note_path(&components(path));
        visit::visit_path(self, path);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.within(|it| visit::visit_block(it, block));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let is_for_tests = match statement {
            Stmt::Local(it) => is_for_tests(&it.attrs),
            Stmt::Macro(it) => is_for_tests(&it.attrs),
            Stmt::Expr(Expr::Block(it), _) => is_for_tests(&it.attrs),
            _ => false,
        };
        if !is_for_tests {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        self.visit_pat(&local.pat);
        let Some(init) = &local.init else { return self.bind(&local.pat, None) };
        self.visit_expr(&init.expr);
        if let Some((_, diverge)) = &init.diverge {
            self.visit_expr(diverge);
        }
        match (&local.pat, &*init.expr) {
            (Pat::Tuple(parts), Expr::Tuple(values)) => {
                let known: Vec<_> = values.elems.iter().map(|it| self.type_of(it)).collect();
                parts.elems.iter().zip(known).for_each(|(part, known)| self.bind(part, known));
            }
            (pattern, value) => self.bind(pattern, self.type_of(value)),
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        let name = pattern.ident.to_string();
        // A constant, and no variable.
        if name.starts_with(char::is_uppercase) {
            self.note_path(&[name]);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        let is_variable = path.path.get_ident().is_some_and(|name| {
            let name = name.to_string();
            self.is_variable(&name)
        });
        if !is_variable {
            visit::visit_expr_path(self, path);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.visit_expr(&call.receiver);
        let known = self.type_of(&call.receiver);
        let name = call.method.to_string();
        self.note_method(known, &name);
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
        // What a closure gets that is called for want of a value is something else.
        let is_other = name.ends_with("_else") || name == "map_err";
        let handed = known.filter(|known| known.depth > 0 && !is_other).map(Known::unwrapped);
        for argument in &call.args {
            self.handed = handed;
            self.visit_expr(argument);
            self.handed = None;
        }
    }

    fn visit_expr_field(&mut self, it: &'ast ExprField) {
        self.visit_expr(&it.base);
        if let syn::Member::Named(name) = &it.member {
            self.note_field(self.type_of(&it.base), &name.to_string());
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        let handed = self.handed.take().filter(|_| closure.inputs.len() == 1);
        self.within(|it| {
            for input in &closure.inputs {
                it.visit_pat(input);
                it.bind(input, handed);
            }
            it.visit_expr(&closure.body);
        });
    }

    fn visit_expr_if(&mut self, condition: &'ast ExprIf) {
        self.within(|it| {
            it.visit_expr(&condition.cond);
            it.visit_block(&condition.then_branch);
        });
        if let Some((_, otherwise)) = &condition.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, it: &'ast ExprWhile) {
        self.within(|reader| visit::visit_expr_while(reader, it));
    }

    fn visit_expr_let(&mut self, it: &'ast ExprLet) {
        self.visit_expr(&it.expr);
        self.branch(&it.pat, &it.expr);
    }

    fn visit_expr_match(&mut self, it: &'ast ExprMatch) {
        self.visit_expr(&it.expr);
        for arm in it.arms.iter().filter(|arm| !is_for_tests(&arm.attrs)) {
            self.within(|reader| {
                reader.branch(&arm.pat, &it.expr);
                if let Some((_, guard)) = &arm.guard {
                    reader.visit_expr(guard);
                }
                reader.visit_expr(&arm.body);
            });
        }
    }

    fn visit_expr_for_loop(&mut self, it: &'ast ExprForLoop) {
        self.visit_expr(&it.expr);
        let known = self.type_of(&it.expr).filter(|known| known.depth > 0);
        self.within(|reader| {
            reader.visit_pat(&it.pat);
            reader.bind(&it.pat, known.map(Known::unwrapped));
            reader.visit_block(&it.body);
        });
    }

    fn visit_expr_assign(&mut self, it: &'ast ExprAssign) {
        // In a macro, a name before `=` is one that the macro gives.
        if !matches!(*it.left, Expr::Path(_)) {
            self.visit_expr(&it.left);
        }
        self.visit_expr(&it.right);
    }
}
