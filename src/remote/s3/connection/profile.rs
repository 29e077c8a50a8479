//! What the AWS configuration files say of the profile in use.

use std::ffi::OsString;

use aws_config::profile::{ProfileFileLoadError, ProfileSet};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

/// Reads `~/.aws/config` and `~/.aws/credentials`, or what stands for them in the environment.
pub(super) async fn load(profile: Option<&str>) -> Result<ProfileSet, ProfileFileLoadError> {
    let name = profile.map(|name| name.to_owned().into());
    aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), name).await
}

/// Returns a variable that is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns a variable that is set, be it to nothing or to what is no text.
pub(super) fn variable_os(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
