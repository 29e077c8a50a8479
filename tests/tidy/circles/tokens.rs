//! What the reader makes of macros and attributes, of which only their macro knows what they say.

use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::token::{Brace, Bracket, Paren};
use syn::visit::Visit as _;
use syn::{
    Attribute, Block, Expr, Ident, Lit, Macro, Meta, Pat, Token, braced, bracketed, parenthesized,
};

use super::reading::Reader;
use super::sources::components;

/// A branch of `select!`: a pattern, what it waits for, a condition, and what is done.
type Branch = (Pat, Expr, Option<Expr>, Expr);

fn expressions(input: ParseStream<'_>) -> syn::Result<Punctuated<Expr, Token![,]>> {
    Punctuated::parse_terminated(input)
}

/// Parses what `matches!` gets.
fn matching(input: ParseStream<'_>) -> syn::Result<(Expr, Pat, Option<Expr>)> {
    let expression = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    let guard = input.parse::<Option<Token![if]>>()?.map(|_| input.parse()).transpose()?;
    input.parse::<Option<Token![,]>>()?;
    Ok((expression, pattern, guard))
}

/// Parses what `select!` gets.
fn selecting(input: ParseStream<'_>) -> syn::Result<Vec<Branch>> {
    let mut branches = Vec::new();
    if input.peek(Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    while !input.is_empty() {
        let pattern = Pat::parse_single(input)?;
        input.parse::<Token![=]>()?;
        let expression = input.parse()?;
        let comma = input.parse::<Option<Token![,]>>()?;
        let condition = comma.map(|_| input.parse::<Token![if]>().and_then(|_| input.parse()));
        input.parse::<Token![=>]>()?;
        branches.push((pattern, expression, condition.transpose()?, input.parse()?));
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(branches)
}

/// Goes past one token.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    input.step(|cursor| {
        let (_, rest) = cursor.token_tree().ok_or_else(|| cursor.error("a token"))?;
        Ok(((), rest))
    })
}

impl Reader<'_, '_> {
    /// Reads the tokens of a macro.
    pub(super) fn read_macro(&mut self, it: &Macro) {
        if let Ok(arguments) = it.parse_body_with(expressions) {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        } else if let Ok((expression, pattern, guard)) = it.parse_body_with(matching) {
            self.visit_expr(&expression);
            let known = self.type_of(&expression);
            self.within(|reader| {
                reader.visit_pat(&pattern);
                reader.bind(&pattern, known);
                if let Some(guard) = &guard {
                    reader.visit_expr(guard);
                }
            });
        } else if let Ok(branches) = it.parse_body_with(selecting) {
            for (pattern, expression, condition, done) in &branches {
                self.visit_expr(expression);
                let known = self.type_of(expression);
                self.within(|reader| {
                    reader.visit_pat(pattern);
                    reader.bind(pattern, known);
                    if let Some(condition) = condition {
                        reader.visit_expr(condition);
                    }
                    reader.visit_expr(done);
                });
            }
        } else {
            let scanned = it.parse_body_with(|input: ParseStream<'_>| self.scan(input));
            scanned.expect("tokens can be gone through");
        }
    }

    /// Reads an attribute: the values after `=`, also where they are strings, and paths.
    pub(super) fn read_attribute(&mut self, attribute: &Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        if ["allow", "expect", "cfg", "cfg_attr", "derive"].iter().any(|it| list.path.is_ident(it))
        {
            return;
        }
        let Ok(arguments) = expressions.parse2(list.tokens.clone()) else { return };
        for argument in &arguments {
            let Expr::Assign(argument) = argument else { continue };
            match &*argument.right {
                Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => {
                    if let Ok(path) = text.parse::<syn::Path>() {
                        self.note_path(&components(&path));
                    }
                }
                value => self.visit_expr(value),
            }
        }
    }

    /// Goes through tokens that are no list of expressions, for paths and for what `self` does.
    fn scan(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let mut is_after_dot = false;
        while !input.is_empty() {
            let content;
            if input.peek(Brace) {
                braced!(content in input);
                self.scan_group(&content)?;
            } else if input.peek(Paren) {
                parenthesized!(content in input);
                self.scan_group(&content)?;
            } else if input.peek(Bracket) {
                bracketed!(content in input);
                self.scan_group(&content)?;
            } else if input.peek(Ident::peek_any) && !is_after_dot {
                self.scan_path(input)?;
            } else {
                is_after_dot = input.peek(Token![.]);
                skip(input)?;
                continue;
            }
            is_after_dot = false;
        }
        Ok(())
    }

    fn scan_group(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let ahead = input.fork();
        let read = if let Ok(statements) = ahead.call(Block::parse_within)
            && ahead.is_empty()
        {
            self.within(|it| statements.iter().for_each(|statement| it.visit_stmt(statement)));
            true
        } else {
            let ahead = input.fork();
            let arguments = expressions(&ahead).ok();
            let arguments = arguments.filter(|_| ahead.is_empty());
            arguments.iter().flatten().for_each(|argument| self.visit_expr(argument));
            arguments.is_some()
        };
        if !read {
            return self.scan(input);
        }
        while !input.is_empty() {
            skip(input)?;
        }
        Ok(())
    }

    fn scan_path(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let mut path = vec![input.call(Ident::parse_any)?.to_string()];
        while input.peek(Token![::]) && input.peek3(Ident::peek_any) {
            input.parse::<Token![::]>()?;
            path.push(input.call(Ident::parse_any)?.to_string());
        }
        let [name] = path.as_slice() else {
            self.note_path(&path);
            return Ok(());
        };
        if !self.is_variable(name) {
            if name.starts_with(char::is_uppercase) || input.peek(Paren) {
                self.note_path(&path);
            }
            return Ok(());
        }
        let mut known = self.variable(name);
        while input.peek(Token![.]) && input.peek2(Ident::peek_any) {
            input.parse::<Token![.]>()?;
            let name = input.call(Ident::parse_any)?.to_string();
            if input.peek(Paren) {
                self.note_method(known, &name);
                return Ok(());
            }
            known = self.field(known, &name);
        }
        Ok(())
    }
}
