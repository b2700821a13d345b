//! The program `gclab`.

fn main() {}
