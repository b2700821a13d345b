//! The program `gclab`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench_results::cmd::main()
}
