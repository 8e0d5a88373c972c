//! An answer taken apart, as far as merging has to look into it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Block, ImplItem, Item as Syntax, Signature, UseTree, Visibility, spanned::Spanned};

/// Attributes that are for people and lints: they change nothing that a program does.
const WORDS: [&str; 6] = ["doc", "expect", "allow", "warn", "must_use", "deprecated"];

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What stands before the first item and changes something: `#![…]`.
    pub(crate) attributes: Vec<String>,
    /// Each name that is imported by a declaration of its own, with the name itself.
    pub(crate) uses: BTreeMap<String, String>,
    /// All else.
    pub(crate) items: Vec<Item>,
    /// Every identifier in the file.
    pub(crate) words: BTreeSet<String>,
    /// Those outside of functions' bodies and of imports.
    pub(crate) outside: BTreeSet<String>,
}

/// A piece of a file or of an `impl`.
#[derive(Debug)]
pub(crate) struct Item {
    /// The same in all answers, e.g. `fn choose`.
    pub(crate) key: String,
    /// What others call it by, where it may be in some answers only; `None` where it has to be in all of them.
    pub(crate) name: Option<String>,
    /// As it stands in the file, with attributes.
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Function(Function),
    Impl {
        /// Up to the brace, with attributes, as it stands in the file.
        head: String,
        /// Its attributes that change something.
        attributes: Vec<String>,
        /// With `Trait for`: an item more or less changes what the trait does.
        of_a_trait: bool,
        items: Vec<Item>,
    },
    /// What has to be equal in all answers.
    Other,
}

#[derive(Debug)]
pub(crate) struct Function {
    /// Up to the brace, with attributes, as it stands in the file.
    pub(crate) head: String,
    /// That without what is only for people and lints, to be compared.
    pub(crate) signature: String,
    /// With its braces.
    pub(crate) body: String,
    /// Why it cannot choose its body when it runs.
    pub(crate) fixed: Option<&'static str>,
}

impl Answer {
    /// Takes a file apart.
    pub(crate) fn parse(text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let source = Source(text);
        let mut answer = Self {
            attributes: source.that_matter(&file.attrs),
            uses: BTreeMap::new(),
            items: Vec::new(),
            words: words(text),
            outside: BTreeSet::new(),
        };
        for item in &file.items {
            match item {
                Syntax::Use(import) => {
                    let attributes = source.that_matter(&import.attrs).concat();
                    let visibility = source.of(&import.vis);
                    let root = if import.leading_colon.is_some() { "::" } else { "" };
                    let start = format!("{attributes}{visibility} use {root}").trim_start().to_owned();
                    imports(&start, &import.tree, &mut answer.uses);
                }
                other => answer.items.push(source.item(other)),
            }
        }
        answer.outside = answer.items.iter().flat_map(Item::outside).collect();
        Ok(answer)
    }
}

impl Item {
    /// Its identifiers outside of functions' bodies.
    fn outside(&self) -> BTreeSet<String> {
        match &self.kind {
            Kind::Function(function) => words(&function.head),
            Kind::Impl { head, items, .. } => {
                let mut all = words(head);
                all.extend(items.iter().flat_map(Self::outside));
                all
            }
            Kind::Other => words(&self.text),
        }
    }
}

/// The text that was parsed.
struct Source<'a>(&'a str);

impl Source<'_> {
    fn at(&self, range: Range<usize>) -> &str {
        self.0.get(range).unwrap_or_default()
    }

    fn of(&self, node: &impl Spanned) -> &str {
        self.at(node.span().byte_range())
    }

    /// The text from where `item` begins to the brace that `inside` begins with.
    fn head(&self, item: &impl Spanned, brace: proc_macro2::Span) -> &str {
        self.at(item.span().byte_range().start..brace.byte_range().start)
    }

    fn that_matter(&self, attributes: &[Attribute]) -> Vec<String> {
        let matter =
            attributes.iter().filter(|attribute| !WORDS.iter().any(|word| attribute.path().is_ident(word)));
        matter.map(|attribute| tokens(self.of(attribute))).collect()
    }

    fn item(&self, item: &Syntax) -> Item {
        let text = self.of(item).to_owned();
        // What others may have more of: named, and of no effect as long as nobody names it.
        let named = |what: &str, name: &syn::Ident| (format!("{what} {name}"), Some(name.to_string()));
        let (key, name) = match item {
            Syntax::Fn(function) => {
                let (key, name) = named("fn", &function.sig.ident);
                let kind =
                    self.function(item, &function.attrs, &function.vis, &function.sig, &function.block);
                return Item { key, name, text, kind: Kind::Function(kind) };
            }
            Syntax::Impl(block) => {
                let head = self.head(item, block.brace_token.span.open());
                let start = block
                    .attrs
                    .last()
                    .map_or_else(|| item.span().byte_range().start, |last| last.span().byte_range().end);
                let key = tokens(self.at(start..block.brace_token.span.open().byte_range().start));
                let kind = Kind::Impl {
                    head: head.to_owned(),
                    attributes: self.that_matter(&block.attrs),
                    of_a_trait: block.trait_.is_some(),
                    items: block.items.iter().map(|item| self.member(item)).collect(),
                };
                return Item { key, name: None, text, kind };
            }
            Syntax::Const(item) => named("const", &item.ident),
            Syntax::Static(item) => named("static", &item.ident),
            Syntax::Struct(item) => named("type", &item.ident),
            Syntax::Enum(item) => named("type", &item.ident),
            Syntax::Type(item) => named("type", &item.ident),
            // A trait, a module, a macro: it may reach further than its name.
            _ => (tokens(&text), None),
        };
        Item { key, name, text, kind: Kind::Other }
    }

    fn member(&self, item: &ImplItem) -> Item {
        let text = self.of(item).to_owned();
        match item {
            ImplItem::Fn(function) => {
                let kind =
                    self.function(item, &function.attrs, &function.vis, &function.sig, &function.block);
                let name = function.sig.ident.to_string();
                Item { key: format!("fn {name}"), name: Some(name), text, kind: Kind::Function(kind) }
            }
            ImplItem::Const(constant) => {
                let name = constant.ident.to_string();
                Item { key: format!("const {name}"), name: Some(name), text, kind: Kind::Other }
            }
            _ => Item { key: tokens(&text), name: None, text, kind: Kind::Other },
        }
    }

    fn function(
        &self,
        item: &impl Spanned,
        attributes: &[Attribute],
        visibility: &Visibility,
        signature: &Signature,
        block: &Block,
    ) -> Function {
        let brace = block.brace_token.span.open();
        let from = visibility.span().byte_range().start;
        // A visibility that is not written has no place of its own.
        let from = if matches!(visibility, Visibility::Inherited) {
            signature.span().byte_range().start
        } else {
            from
        };
        let written = self.at(from..brace.byte_range().start);
        let fixed = if signature.constness.is_some() {
            Some("is const")
        } else if words(self.of(&signature.output)).contains("impl") {
            Some("returns a type that its body decides")
        } else {
            None
        };
        Function {
            head: self.head(item, brace).to_owned(),
            signature: self.that_matter(attributes).concat() + &tokens(written),
            body: self.of(block).to_owned(),
            fixed,
        }
    }
}

/// `text` without comments and with one way to set spaces, to be compared.
pub(crate) fn tokens(text: &str) -> String {
    // What was parsed once is made of tokens.
    text.parse::<TokenStream>().map_or_else(|_| text.to_owned(), |tokens| tokens.to_string())
}

/// Every identifier and keyword in `text`.
fn words(text: &str) -> BTreeSet<String> {
    fn collect(tokens: TokenStream, into: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => drop(into.insert(word.to_string())),
                TokenTree::Group(group) => collect(group.stream(), into),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(text.parse().unwrap_or_default(), &mut found);
    found
}

/// The imports of a tree, each as a declaration of its own that begins with `start`.
fn imports(start: &str, tree: &UseTree, into: &mut BTreeMap<String, String>) {
    let mut add = |end: String, name: String| into.insert(format!("{start}{end};"), name);
    match tree {
        UseTree::Path(path) => imports(&format!("{start}{}::", path.ident), &path.tree, into),
        UseTree::Group(group) => group.items.iter().for_each(|tree| imports(start, tree, into)),
        UseTree::Glob(_) => drop(add("*".to_owned(), "*".to_owned())),
        // `a::{self}` is the module a alone; `a` would be a function of this name, too.
        UseTree::Name(name) if name.ident == "self" => {
            let module = start.trim_end_matches("::").rsplit([':', ' ']).next().unwrap_or_default();
            drop(add("{self}".to_owned(), module.to_owned()));
        }
        UseTree::Name(name) => drop(add(name.ident.to_string(), name.ident.to_string())),
        UseTree::Rename(name) => {
            let (original, new) = (&name.ident, &name.rename);
            let end = if original == "self" {
                format!("{{self as {new}}}")
            } else {
                format!("{original} as {new}")
            };
            drop(add(end, new.to_string()));
        }
    }
}
