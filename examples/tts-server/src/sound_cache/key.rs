//! By what a finished file is found again: who asked, the words, and every setting.

use palisade::core::Principal;
use sha2::{Digest, Sha256};

use crate::synthesis::{Unspeakable, Utterance, Words};

/// The digest of a client.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct ClientKey([u8; 32]);

/// The digest by which a file is found.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct SoundKey {
    pub(super) client: ClientKey,
    file: [u8; 32],
}

impl ClientKey {
    /// Makes the key of a principal, with its owner: two tenants may have the same ids.
    fn of(who: &Principal) -> Self {
        let mut digest = Sha256::new();
        add(&mut digest, who.kind());
        add(&mut digest, who.id());
        digest.update([u8::from(who.owner().is_some())]);
        add(&mut digest, who.owner().unwrap_or_default());
        Self(digest.finalize().into())
    }
}

impl SoundKey {
    /// Makes the key of a file. `settings` are what is not part of the utterance (voice, format, rate).
    pub(crate) fn new(who: &Principal, settings: &[&str], utterance: &Utterance) -> Self {
        let (kind, words) = match &utterance.words {
            Words::Plain(words) => ("plain", words),
            Words::Ssml(words) => ("ssml", words),
        };
        let unspeakable = match utterance.unspeakable {
            Unspeakable::Refuse => "refuse",
            Unspeakable::Skip => "skip",
            Unspeakable::Spell => "spell",
        };
        let mut digest = Sha256::new();
        let own = [kind, words, &utterance.emotion, unspeakable];
        for part in settings.iter().chain(&own) {
            add(&mut digest, part);
        }
        digest.update(utterance.speed.to_bits().to_le_bytes());
        Self {
            client: ClientKey::of(who),
            file: digest.finalize().into(),
        }
    }
}

/// Adds a text, with its length before it, so that no two lists of texts are alike.
fn add(digest: &mut Sha256, text: &str) {
    digest.update((text.len() as u64).to_le_bytes());
    digest.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound_cache::tests::{utterance, who};

    #[test]
    fn the_key_tells_clients_owners_words_and_settings_apart() {
        let plain = |text: &str| utterance(Words::Plain(text.into()));
        let mut faster = plain("x");
        faster.speed = 1.5;
        let key = |who: &Principal, text: &str| SoundKey::new(who, &["wav"], &plain(text));
        let a = who("a");
        let of_owner = |owner: &str| Principal::builder("api_key", "a").owner(owner).build();
        let others = [
            key(&who("b"), "x"),
            key(&Principal::builder("jwt", "a").build(), "x"),
            key(&of_owner(""), "x"),
            key(&of_owner("acme"), "x"),
            key(&of_owner("other"), "x"),
            key(&a, "y"),
            SoundKey::new(&a, &["mp3"], &plain("x")),
            SoundKey::new(&a, &["wa", "v"], &plain("x")),
            SoundKey::new(&a, &["wav"], &utterance(Words::Ssml("x".into()))),
            SoundKey::new(&a, &["wav"], &faster),
        ];
        assert!(others.iter().all(|other| *other != key(&a, "x")));
        let distinct: std::collections::BTreeSet<_> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
        assert_eq!(key(&a, "x"), key(&a, "x"));
    }
}
