//! A signature is good for the package that was signed, and for nothing else.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::process::Command;

use dify_plugin_package::{Arch, Package, SignatureError, read_archive, sign, verify};

/// A key pair in the forms that Dify takes, made anew by openssl; `None`, and said so, where there is no openssl.
fn key_pair() -> Option<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (private, public) = (folder.path().join("private.pem"), folder.path().join("public.pem"));
    let openssl = |arguments: &[&str]| Command::new("openssl").args(arguments).output();
    let private_path = private.to_str().unwrap();
    match openssl(&["genrsa", "-traditional", "-out", private_path, "2048"]) {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "no openssl: {error}");
            println!("skipped: there is no openssl to make a key with");
            return None;
        }
    }
    let public_path = public.to_str().unwrap();
    let output = openssl(&["rsa", "-in", private_path, "-RSAPublicKey_out", "-out", public_path]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((std::fs::read_to_string(private).unwrap(), std::fs::read_to_string(public).unwrap()))
}

fn package(content: &[u8]) -> Vec<u8> {
    Package::new("p", "0.1.0", [("a.txt", content)]).executable(Arch::Amd64, vec![7; 5000]).build().unwrap()
}

#[test]
fn a_signed_package_verifies_with_its_key_and_not_when_changed() {
    let (Some((private, public)), Some((_, other))) = (key_pair(), key_pair()) else { return };
    let signed = sign(&package(b"text"), &private, 1_700_000_000).unwrap();
    assert_eq!(verify(&signed, &public).unwrap(), 1_700_000_000);
    assert!(matches!(verify(&signed, &other), Err(SignatureError::Mismatch)));
    assert!(matches!(sign(&signed, &private, 1), Err(SignatureError::Signed)));
    assert_eq!(read_archive(&signed).unwrap().files.last().unwrap().0, ".verification.dify.json");

    // The comment of one package on another's files.
    let mut forged = sign(&package(b"evil"), &private, 1_700_000_000).unwrap();
    let comment = read_archive(&signed).unwrap().comment;
    let length = forged.len();
    forged.splice(length - comment.len().., comment.bytes());
    assert!(matches!(verify(&forged, &public), Err(SignatureError::Mismatch)));
}

#[test]
fn what_is_no_key_and_what_is_not_signed_is_said() {
    let Some((private, public)) = key_pair() else { return };
    assert!(matches!(verify(&package(b"text"), &public), Err(SignatureError::Unsigned)));
    assert!(matches!(sign(&package(b"text"), &public, 1), Err(SignatureError::Key(_))));
    assert!(matches!(sign(&package(b"text"), "no key", 1), Err(SignatureError::Key(_))));
    assert!(matches!(sign(b"no package", &private, 1), Err(SignatureError::Archive(_))));
}
