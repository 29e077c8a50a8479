//! lsync: shares a directory with a team through an S3 bucket.

use std::process::ExitCode;

fn main() -> ExitCode {
    lsync::cli::main()
}
