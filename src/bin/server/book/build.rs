//! Before the server is compiled: lists every chapter and every source of a word, so that the book holds them all and no list of
//! them has to be kept by hand.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let checkout = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let (mut sources, mut chapters) = (Vec::new(), Vec::new());
    files(&checkout.join("src"), "rs", &mut sources)?;
    files(&checkout.join("docs"), "md", &mut chapters)?;
    let shown = |name: &str| (!name.starts_with("bin/") || name == "bin/server.rs") && !name.ends_with("tests.rs");
    let table = [table("SOURCES", &checkout.join("src"), &sources, shown), table("CHAPTERS", &checkout.join("docs"), &chapters, |_| true)];
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=docs");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("book.rs"), table.concat())
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, extension, found)?;
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn table(name: &str, folder: &Path, files: &[PathBuf], shown: impl Fn(&str) -> bool) -> String {
    let names = files.iter().filter_map(|file| Some((file, file.strip_prefix(folder).ok()?.to_str()?)));
    let rows: String = names.filter(|(_, name)| shown(name)).map(|(file, name)| format!("({name:?}, include_str!({file:?})),\n")).collect();
    format!("pub static {name}: &[(&str, &str)] = &[\n{rows}];\n")
}
