//! Recognises RSA moduli that a broken generator made (ROCA, CVE-2017-15361), so that they can be
//! refused.
//!
//! The primes of that generator are powers of 65537 modulo a product of small primes, and so is
//! their product: modulo each of the small primes the modulus is a power of 65537. A sound modulus
//! passes all 38 tests by chance less than once in a hundred million.

/// The base of the powers (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017).
const GENERATOR: u32 = 65_537;

const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Returns whether a modulus (big-endian) has the structure.
pub(super) fn has_roca_structure(modulus: &[u8]) -> bool {
    SMALL_PRIMES
        .iter()
        .all(|&prime| is_power(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

/// Tries the powers of the generator until they repeat.
fn is_power(wanted: u32, prime: u32) -> bool {
    let step = GENERATOR % prime;
    let mut power = 1;
    loop {
        if power == wanted {
            return true;
        }
        power = power * step % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_the_generator_is_marked_and_its_neighbour_is_not() {
        // 65537 to the fourth, big-endian.
        let number = 65_537_u128.pow(4);
        assert!(has_roca_structure(&number.to_be_bytes()));
        assert!(!has_roca_structure(&(number + 1).to_be_bytes()));
    }
}
