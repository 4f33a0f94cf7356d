//! Layout of every structure, for 32-bit and 64-bit Windows at once, computed from the source.
//!
//! The crate asserts the layout of the target it is built for while compiling. This test knows C's rules of natural
//! alignment itself, so a change that breaks 32-bit Windows shows on any machine.

mod support;

use std::collections::BTreeSet;

use support::{Source, table, type_name};
use syn::{Expr, GenericArgument, Lit, PathArguments, Type};

/// Structures that no table describes: handles, and structures that the DDI has and the API has not (or otherwise).
const UNLISTED: &[&str] = &[
    "D3D10DDI_HDEVICE",
    "D3D10DDI_HRESOURCE",
    "D3D10DDI_HRTCORELAYER",
    "D3D11_1DDI_CERTIFICATE_INFO_U",
    "D3D11_1DDI_HAUTHCHANNEL",
    "D3D11_1DDI_HCRYPTOSESSION",
    "D3D11_1DDI_HDECODE",
    "D3D11_1DDI_HRTAUTHCHANNEL",
    "D3D11_1DDI_HRTCRYPTOSESSION",
    "D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW",
    "D3D11_1DDIARG_VIDEODECODERBEGINFRAME",
    "D3D11_1DDI_HRTDECODE",
    "D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW",
    "D3D11_1DDI_HVIDEODECODEROUTPUTVIEW",
    "D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC",
    "D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK",
    "D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION",
    "D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1",
    "D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME",
    "D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0",
    "D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC",
    "D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM",
    "D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0",
    "GUID",
];

/// What it takes to create a decoder, for both pointer sizes.
const DECODER: &str = "abi-decoder.csv";

#[test]
fn layout_with_8_byte_pointers_equals_x86_64_table() {
    compare(8, "abi-x86_64.csv");
}

#[test]
fn layout_with_4_byte_pointers_equals_i686_table() {
    compare(4, "abi-i686.csv");
}

#[test]
fn layout_of_decoder_creation_equals_its_table_with_either_pointer() {
    compare(8, DECODER);
    compare(4, DECODER);
}

#[test]
fn every_structure_of_the_source_is_in_the_tables_and_nothing_else_is() {
    let source = Source::read();
    let tables = video_tables();
    let defined: BTreeSet<&str> = source
        .composites
        .keys()
        .map(String::as_str)
        .filter(|name| !UNLISTED.contains(name) && !tables.contains(*name) && !name.starts_with("softcp_"))
        .collect();
    for file in ["abi-x86_64.csv", "abi-i686.csv"] {
        let rows = [table(file), table(DECODER)].concat();
        let listed: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(defined, listed, "{file}");
    }
}

#[test]
fn every_field_of_a_listed_structure_has_one_row() {
    let source = Source::read();
    for file in ["abi-x86_64.csv", "abi-i686.csv", DECODER] {
        let rows = table(file);
        let listed: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
        let distinct: BTreeSet<_> = listed.iter().copied().collect();
        assert_eq!(distinct.len(), listed.len(), "{file} has a row twice");
        let structures: BTreeSet<&str> = listed.iter().map(|(structure, _)| *structure).collect();
        let mut expected = BTreeSet::new();
        for structure in structures {
            expected.insert((structure, ""));
            for (field, ty) in &source.composites[structure].fields {
                let is_union = type_name(ty).is_some_and(|ty| source.composites.get(&ty).is_some_and(|c| c.is_union));
                // The tables list the largest member of the one union, which has no name in the public header.
                expected.insert((structure, if is_union { "CryptoSessionType" } else { field }));
            }
        }
        assert_eq!(distinct, expected, "{file}");
    }
}

#[test]
fn every_structure_is_repr_c() {
    let source = Source::read();
    let others: Vec<&String> =
        source.composites.iter().filter(|(_, composite)| !composite.is_repr_c).map(|(name, _)| name).collect();
    assert!(others.is_empty(), "without repr(C): {others:?}");
}

#[test]
fn unlisted_structures_keep_their_sizes() {
    let source = Source::read();
    let expected = [
        ("GUID", 16, 16),
        ("D3D11_1DDI_CERTIFICATE_INFO_U", 16, 16),
        ("D3D11_1DDI_HCRYPTOSESSION", 4, 8),
        ("D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK", 8, 8),
        ("D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC", 68, 80),
        ("D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION", 24, 48),
        ("D3D11_1DDIARG_VIDEODECODERBEGINFRAME", 12, 24),
        ("D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW", 32, 40),
        ("D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1", 32, 56),
        ("D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC", 40, 64),
        ("D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0", 16, 16),
        ("D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM", 8, 16),
        ("D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0", 80, 88),
        ("D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME", 44, 88),
        ("softcp_plane", 16, 32),
        ("softcp_mapping", 64, 112),
        ("softcp_resource_desc", 60, 104),
        ("softcp_driver_desc", 20, 32),
        ("softcp_driver", 56, 104),
    ];
    for (name, narrow, wide) in expected {
        assert_eq!(Model::new(&source, 4).composite(name).size, narrow, "{name}, 32 bit");
        assert_eq!(Model::new(&source, 8).composite(name).size, wide, "{name}, 64 bit");
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn model_agrees_with_the_compiler_on_structures_without_a_table() {
    let source = Source::read();
    let model = Model::new(&source, 8);
    assert_eq!(model.composite("softcp_mapping").size, size_of::<softcp_abi::softcp_mapping>());
    assert_eq!(model.composite("softcp_driver").size, size_of::<softcp_abi::softcp_driver>());
    assert_eq!(model.composite("softcp_driver_desc").size, size_of::<softcp_abi::softcp_driver_desc>());
    assert_eq!(model.composite("softcp_resource_desc").size, size_of::<softcp_abi::softcp_resource_desc>());
}

fn compare(pointer: usize, file: &str) {
    let source = Source::read();
    let model = Model::new(&source, pointer);
    let mut differences = Vec::new();
    for row in table(file) {
        let [structure, field, offset, size] = row.as_slice() else { panic!("{file}: {row:?}") };
        let expected = (number(offset), number(size));
        let modelled =
            if field.is_empty() { Some((0, model.composite(structure).size)) } else { model.field(structure, field) };
        if modelled != Some(expected) {
            differences.push(format!("{structure}.{field}: table {expected:?}, source {modelled:?}"));
        }
    }
    assert!(differences.is_empty(), "{file}:\n{}", differences.join("\n"));
}

fn number(digits: &str) -> usize {
    digits.parse().unwrap_or_else(|e| panic!("{digits}: {e}"))
}

fn video_tables() -> BTreeSet<String> {
    table("functables.csv").into_iter().map(|row| row[0].clone()).collect()
}

#[derive(Clone, Copy)]
struct Extent {
    size: usize,
    align: usize,
}

/// C's layout rules on Windows: members in order, each at the next multiple of its alignment, no packing; a 64-bit
/// number is aligned to 8 bytes whatever the size of a pointer.
struct Model<'a> {
    source: &'a Source,
    pointer: usize,
}

impl<'a> Model<'a> {
    fn new(source: &'a Source, pointer: usize) -> Self {
        Self { source, pointer }
    }

    fn composite(&self, name: &str) -> Extent {
        let composite = self.source.composites.get(name).unwrap_or_else(|| panic!("no structure {name}"));
        let mut extent = Extent { size: 0, align: 1 };
        for (_, ty) in &composite.fields {
            let field = self.ty(ty);
            extent.align = extent.align.max(field.align);
            extent.size = if composite.is_union {
                extent.size.max(field.size)
            } else {
                extent.size.next_multiple_of(field.align) + field.size
            };
        }
        Extent { size: extent.size.next_multiple_of(extent.align), ..extent }
    }

    /// Offset and size of a field, which may be a member of a union in the structure.
    fn field(&self, structure: &str, wanted: &str) -> Option<(usize, usize)> {
        let mut end = 0;
        for (name, ty) in &self.source.composites.get(structure)?.fields {
            let extent = self.ty(ty);
            let offset = usize::next_multiple_of(end, extent.align);
            if name == wanted {
                return Some((offset, extent.size));
            }
            let inner = type_name(ty).and_then(|name| self.source.composites.get(&name));
            let union = inner.filter(|inner| inner.is_union);
            let member = union.and_then(|union| union.fields.iter().find(|(name, _)| name == wanted));
            if let Some((_, ty)) = member {
                return Some((offset, self.ty(ty).size));
            }
            end = offset + extent.size;
        }
        None
    }

    fn ty(&self, ty: &Type) -> Extent {
        let natural = |size| Extent { size, align: size };
        match ty {
            Type::Ptr(_) | Type::BareFn(_) => natural(self.pointer),
            Type::Array(array) => {
                let Expr::Lit(length) = &array.len else { panic!("an array's length is a literal") };
                let Lit::Int(length) = &length.lit else { panic!("an array's length is a number") };
                let element = self.ty(&array.elem);
                Extent { size: element.size * number(length.base10_digits()), align: element.align }
            }
            Type::Path(path) => {
                let segment = path.path.segments.last().expect("a path has a name");
                match segment.ident.to_string().as_str() {
                    "u8" => natural(1),
                    "u16" => natural(2),
                    "u32" | "i32" => natural(4),
                    "u64" => natural(8),
                    "usize" => natural(self.pointer),
                    "Option" => {
                        let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
                            panic!("Option has an argument")
                        };
                        let Some(GenericArgument::Type(inner @ Type::BareFn(_))) = arguments.args.first() else {
                            panic!("Option holds a function")
                        };
                        self.ty(inner)
                    }
                    name => match self.source.aliases.get(name) {
                        Some(target) => self.ty(target),
                        None => self.composite(name),
                    },
                }
            }
            _ => panic!("a type that has no layout in C"),
        }
    }
}
