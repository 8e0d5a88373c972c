//! A hash that stays the same.

use sha2::{Digest, Sha256};

/// The first eight bytes of SHA-256 over `salt`, a zero byte and `key`: evenly spread, and the same number in every process,
/// on every machine, after every update. Another salt puts the same keys in another order.
#[must_use]
pub fn hash(salt: &str, key: &str) -> u64 {
    let digest = Sha256::new().chain_update(salt).chain_update([0]).chain_update(key).finalize();
    digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_one() {
        // `printf '\0' | sha256sum`: SHA-256 of a single zero byte.
        assert_eq!(hash("", ""), 0x6e34_0b9c_ffb3_7a98);
    }

    #[test]
    fn salt_and_key_cannot_be_mixed_up() {
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
    }
}
