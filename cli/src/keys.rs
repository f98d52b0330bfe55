//! Keys and policies from the command line and from files.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use modeltrail_core::keys::{ED25519_TYPE, key_id};
use modeltrail_core::verify::{MAX_POLICY_BYTES, Policy, Trust};
use modeltrail_tlog::note::VerifierKey;
use zeroize::Zeroizing;

use crate::args::TrustArgs;

/// Longest key file: a verifier key or a PKCS#8 PEM, with room for comments.
const MAX_KEY_FILE_BYTES: u64 = 16 << 10;
/// Longest file or stdin that is read whole: the largest record, a signed envelope of it, or a batch.
pub(crate) const MAX_INPUT_BYTES: u64 = 64 << 20;

/// Reads whom the caller trusts.
pub(crate) fn trust(args: &TrustArgs) -> anyhow::Result<Trust> {
    let pin = args.key.as_deref().map(verifier_key).transpose()?;
    let policy = args.policy.as_deref().map(policy).transpose()?;
    Ok(Trust { pin, policy })
}

/// The keys that are trusted for a ledger of this name; at least one.
pub(crate) fn pins(trust: &Trust, origin: &str) -> anyhow::Result<Vec<VerifierKey>> {
    let of_policy = trust.policy.iter().flat_map(Policy::logs).filter(|key| key.name() == origin);
    let pins: Vec<VerifierKey> = trust.pin.iter().chain(of_policy).cloned().collect();
    if pins.is_empty() {
        bail!(
            "no key to trust for {origin:?}: give the ledger's verifier key with --key, or a policy that has it with --policy"
        );
    }
    Ok(pins)
}

fn policy(path: &Path) -> anyhow::Result<Policy> {
    let bytes = read_file(path, MAX_POLICY_BYTES as u64)?;
    Policy::parse(&bytes).with_context(|| path.display().to_string())
}

/// A verifier key as text, or the file that holds one.
fn verifier_key(text: &str) -> anyhow::Result<VerifierKey> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(text.parse::<VerifierKey>().err().map_or_else(|| anyhow::anyhow!("no key"), anyhow::Error::new))
            .with_context(|| format!("--key {text:?} is neither a verifier key nor a file"));
    }
    let bytes = read_file(path, MAX_KEY_FILE_BYTES)?;
    let held = String::from_utf8(bytes).with_context(|| format!("{text} is not text"))?;
    held.trim().parse().with_context(|| format!("{text} does not hold a verifier key"))
}

/// A whole file, or stdin for `-`.
pub(crate) fn read_file(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let count = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).context("could not read stdin")?
    } else {
        let file = File::open(path).with_context(|| format!("could not open {shown}"))?;
        file.take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("could not read {shown}"))?
    };
    if count as u64 > limit {
        bail!("{shown} has more than {limit} bytes");
    }
    Ok(bytes)
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let shown = path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("could not create {shown}"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("could not write {shown}"))
}

/// A producer's key and what is registered of it.
pub(crate) struct ProducerKey {
    pub(crate) signing: SigningKey,
}

impl ProducerKey {
    /// A new key from the system's randomness.
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let mut seed = Zeroizing::new([0u8; 32]);
        getrandom::fill(seed.as_mut()).map_err(|error| anyhow::anyhow!("the system gave no randomness: {error}"))?;
        Ok(Self { signing: SigningKey::from_bytes(&seed) })
    }

    /// Reads the PKCS#8 PEM that [`ProducerKey::save`] writes.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let bytes = Zeroizing::new(read_file(path, MAX_KEY_FILE_BYTES)?);
        let pem = std::str::from_utf8(&bytes).with_context(|| format!("{shown} is not text"))?;
        let signing = SigningKey::from_pkcs8_pem(pem)
            .map_err(|error| anyhow::anyhow!("{shown} is not an Ed25519 key in PKCS#8 PEM: {error}"))?;
        Ok(Self { signing })
    }

    /// Writes the key, readable by its owner only and never over another file.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let pem = self
            .signing
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| anyhow::anyhow!("could not encode the key: {error}"))?;
        write_new(path, pem.as_bytes(), 0o400)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)
                .and_then(|directory| directory.sync_all())
                .with_context(|| format!("could not sync {}", parent.display()))?;
        }
        Ok(())
    }

    /// SHA-256 of type byte and public key, as registrations and envelopes name the key.
    pub(crate) fn id(&self) -> String {
        key_id(ED25519_TYPE, self.signing.verifying_key().as_bytes()).to_string()
    }

    /// base64 of type byte and public key, as registrations hold it.
    pub(crate) fn public(&self) -> String {
        STANDARD.encode([&[ED25519_TYPE], self.signing.verifying_key().as_bytes().as_slice()].concat())
    }
}

/// Makes a directory if it is not there.
pub(crate) fn ensure_directory(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("could not create {}", path.display()))
}
