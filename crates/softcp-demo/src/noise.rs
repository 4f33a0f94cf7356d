//! Whether bytes look like noise.

use crate::report::Noise;

/// The largest chi-square statistic over 256 byte values that passes for noise.
///
/// Of random bytes it is 255 on average with a standard deviation of 22.6; more than 400 comes about once in 10^8 runs.
/// Of pictures it is many times their number of bytes.
const LARGEST_CHI_SQUARE: f64 = 400.0;

/// Looks at the distribution of bytes, of which there should be thousands.
#[must_use]
pub(crate) fn measure(bytes: &[u8]) -> Noise {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "pictures have far fewer than 2^52 bytes")]
    let total = bytes.len() as f64;
    let expected = total / 256.0;
    let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    let share = |count: u32| f64::from(count) / total;
    let entropy: f64 =
        counts.iter().filter(|&&count| count > 0).map(|&count| share(count) * (1.0 / share(count)).log2()).sum();
    Noise { entropy, chi_square, is_noise: chi_square < LARGEST_CHI_SQUARE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_one_value_are_no_noise() {
        let Noise { entropy, is_noise, .. } = measure(&[7; 10_000]);
        assert!(entropy.abs() < 1e-12 && !is_noise);
    }

    #[test]
    fn each_value_equally_often_has_eight_bits() {
        let bytes: Vec<u8> = (0..=255).cycle().take(256 * 100).collect();
        let Noise { entropy, chi_square, .. } = measure(&bytes);
        assert!((entropy - 8.0).abs() < 1e-9 && chi_square < 1e-9);
    }

    #[test]
    fn random_bytes_are_noise() {
        let mut bytes = vec![0; 86_400];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        let noise = measure(&bytes);
        assert!(noise.is_noise && noise.entropy > 7.99, "{noise:?}");
    }

    #[test]
    fn half_noise_is_no_noise() {
        let mut bytes = vec![0; 86_400];
        aws_lc_rs::rand::fill(&mut bytes[43_200..]).unwrap();
        assert!(!measure(&bytes).is_noise);
    }
}
