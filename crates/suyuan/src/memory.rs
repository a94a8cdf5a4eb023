//! Large pages: state of many small entries, asked at random, waits a quarter less where memory comes in pages of 2 MiB.
//! Freed memory is kept: buffers of records come and go all the time, and what is given back to the system must be cleared
//! before it comes again.
//!
//! The C library of Linux asks for them when `GLIBC_TUNABLES` says so at the start of a program, and only then; so the
//! program starts itself once more, in the same process. Where the variable is set already, whoever set it decides.

/// Pages of 2 MiB; up to 256 MiB of freed memory is kept, and buffers below 32 MiB come from what is kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SETTINGS: &str =
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=268435456";

/// Starts the program again with large pages; returns where that is not to be had, or not needed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn large_pages() {
    use std::os::unix::process::CommandExt;

    const TUNABLES: &str = "GLIBC_TUNABLES";
    let mut args = std::env::args_os();
    let (Some(name), None) = (args.next(), std::env::var_os(TUNABLES)) else { return };
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(program);
    // It comes back only where it could not be started; then small pages must do.
    let _ = again.arg0(name).args(args).env(TUNABLES, SETTINGS).exec();
}

/// Other systems choose their pages themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn large_pages() {}
