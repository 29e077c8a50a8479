//! The certificates of authorities that a person names: whose file it is, and whether it holds any.
//!
//! The SDK panics at a certificate that it cannot read, so that the file is read here first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use aws_config::profile::ProfileSet;
use aws_types::os_shim_internal::Fs;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The variable of AWS; beats the profile (boto, `configprovider`).
const VARIABLE: &str = "AWS_CA_BUNDLE";

/// The variables of OpenSSL, which the SDK minds where it takes what the machine trusts.
const OF_MACHINE: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Whose signatures under certificates count.
#[derive(Debug, Clone)]
pub(super) enum Trusted {
    /// Those of the authorities that the machine trusts.
    Machine,
    /// Those of the authorities in this PEM text alone.
    These(Vec<u8>),
    /// Nobody's: why `SSL_CERT_FILE` cannot be used. Matters where TLS is spoken.
    Nobody(String),
}

/// Reads the file that stands for all certificates that the machine trusts, where one is named.
///
/// An empty value of ours names none. boto would check no certificate then, and lsync always does.
///
/// # Errors
/// Who names the file, the file, and what is wrong with it.
pub(super) async fn read(
    profiles: Option<&ProfileSet>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Trusted, String> {
    let Some((name, path)) = named(profiles, &variable) else {
        return Ok(of_machine(variable).await);
    };
    let fault = |why: String| format!("{name} names \"{}\", which {why}", path.display());
    let bytes = content(&path).await.map_err(fault)?;
    let found = certificates(&bytes).map_err(fault)?;
    for (number, certificate) in (1..).zip(found) {
        RootCertStore::empty().add(certificate).map_err(|error| {
            fault(format!("holds a certificate, number {number}, that cannot be read: {error}"))
        })?;
    }
    Ok(Trusted::These(bytes))
}

/// Looks at the file that stands for what the machine trusts. The SDK takes what it can of it, and
/// goes on with nothing.
async fn of_machine(variable: impl Fn(&str) -> Option<OsString>) -> Trusted {
    let [file, folders] = OF_MACHINE;
    let has_folders = variable(folders).is_some_and(|folders| !folders.is_empty());
    let Some(path) = variable(file).filter(|_| !has_folders).map(PathBuf::from) else {
        return Trusted::Machine;
    };
    let found = content(&path).await.and_then(|bytes| certificates(&bytes));
    let why = match found.map(|found| RootCertStore::empty().add_parsable_certificates(found)) {
        Ok((1.., _)) => return Trusted::Machine,
        Ok((0, _)) => "holds no certificate of an authority".to_owned(),
        Err(why) => why,
    };
    let path = path.display();
    Trusted::Nobody(format!("the variable {file} names \"{path}\", which {why}"))
}

/// Finds the file that is named, and who names it.
fn named(
    profiles: Option<&ProfileSet>,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Option<(String, PathBuf)> {
    if let Some(path) = variable(VARIABLE).filter(|path| !path.is_empty()) {
        return Some((format!("the variable {VARIABLE}"), path.into()));
    }
    let profiles = profiles?;
    let path = profiles.get("ca_bundle").filter(|path| !path.is_empty())?;
    Some((format!("ca_bundle of the profile {:?}", profiles.selected_profile()), path.into()))
}

/// Reads a file; what went wrong follows its name.
async fn content(path: &Path) -> Result<Vec<u8>, String> {
    Fs::real().read_to_end(path).await.map_err(|error| format!("cannot be read: {error}"))
}

/// Takes the certificates out of a file; keys and comments beside them do not count.
fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = found.map_err(|error| format!("is no PEM file: {error}"))?;
    if found.is_empty() {
        return Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(found)
}
