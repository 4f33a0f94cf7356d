//! What the tests share: the committed tables, and this crate's own source as data.

#![allow(dead_code)] // each test program uses a part of this module

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{Expr, Field, Item, Lit, Type};

/// Rows of a file in `spec/`, without the heading, cut at commas.
pub(crate) fn table(file: &str) -> Vec<Vec<String>> {
    let path = root().join("spec").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let rows: Vec<Vec<String>> =
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    assert!(!rows.is_empty(), "{file} has no rows");
    rows
}

/// A public structure or union of the crate.
pub(crate) struct Composite {
    pub(crate) is_union: bool,
    pub(crate) is_repr_c: bool,
    /// Names and types, in order.
    pub(crate) fields: Vec<(String, Type)>,
}

/// The public items of the crate, as its source files state them.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) composites: BTreeMap<String, Composite>,
    pub(crate) aliases: BTreeMap<String, Type>,
    /// Constants: file name without extension, name, value.
    pub(crate) constants: Vec<(String, String, Expr)>,
}

impl Source {
    /// Parses every file of `src/`.
    pub(crate) fn read() -> Self {
        let mut source = Self::default();
        source.read_folder(&root().join("src"));
        source
    }

    fn read_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("the folder is readable") {
            let path = entry.expect("the folder is readable").path();
            if path.is_dir() {
                self.read_folder(&path);
            } else {
                let text = fs::read_to_string(&path).expect("the file is readable");
                let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
                for item in file.items {
                    self.add(&stem, item);
                }
            }
        }
    }

    fn add(&mut self, stem: &str, item: Item) {
        match item {
            Item::Struct(item) if is_public(&item.vis) => {
                self.add_composite(&item.ident.to_string(), false, &item.attrs, item.fields.iter());
            }
            Item::Union(item) if is_public(&item.vis) => {
                self.add_composite(&item.ident.to_string(), true, &item.attrs, item.fields.named.iter());
            }
            Item::Type(item) if is_public(&item.vis) => {
                self.aliases.insert(item.ident.to_string(), *item.ty);
            }
            Item::Const(item) if is_public(&item.vis) => {
                self.constants.push((stem.to_owned(), item.ident.to_string(), *item.expr));
            }
            _ => {}
        }
    }

    fn add_composite<'a>(
        &mut self,
        name: &str,
        is_union: bool,
        attributes: &[syn::Attribute],
        fields: impl Iterator<Item = &'a Field>,
    ) {
        let is_repr_c = attributes.iter().any(|attribute| {
            attribute.path().is_ident("repr")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "C")
        });
        let fields = fields
            .map(|field| (field.ident.as_ref().expect("fields are named").to_string(), field.ty.clone()))
            .collect();
        let before = self.composites.insert(name.to_owned(), Composite { is_union, is_repr_c, fields });
        assert!(before.is_none(), "{name} is defined twice");
    }

    /// Constants of one file, as numbers: name and value.
    pub(crate) fn numbers(&self, stem: &str) -> BTreeMap<String, u128> {
        let constants = self.constants.iter().filter(|(file, ..)| file == stem);
        constants.filter_map(|(_, name, value)| Some((name.clone(), number(value)?))).collect()
    }
}

/// The number that an expression of this crate's constants stands for: a literal, a cast of one, or
/// `GUID::from_u128` of one.
pub(crate) fn number(expression: &Expr) -> Option<u128> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Cast(cast) => number(&cast.expr),
        Expr::Call(call) => call.args.first().and_then(number),
        _ => None,
    }
}

/// Last name of a path type, as `GUID` of `crate::GUID`.
pub(crate) fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
