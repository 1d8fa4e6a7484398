//! Public keys that clients sign with (RFC 7517), and their signatures (RFC 7515). A key is used with one algorithm, which was
//! settled when it was registered: what an assertion says of itself chooses nothing.

use data_encoding::BASE64URL_NOPAD;
use domain::credential::{Algorithm, Proof};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Bytes of an RSA key's modulus: 2,048 to 4,096 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// Members that only private and secret keys have (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a JWK cannot be registered, in words for whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadKey {
    #[error("`jwk` is one public key as a JSON object, or a set with one key in it (RFC 7517)")]
    Form,
    #[error(
        "this is a private key: register its public half alone, and make a new pair, as this one has been sent around"
    )]
    Private,
    #[error("use an EC key on P-256, an OKP key on Ed25519, or an RSA key of 2048 to 4096 bits")]
    Kind,
    #[error("the key's numbers are not what its type asks for (RFC 7518 §6)")]
    Numbers,
    #[error(
        "an RSA key says which algorithm it is used with: add `\"alg\": \"RS256\"` or `\"alg\": \"PS256\"`"
    )]
    WhichAlgorithm,
    #[error(
        "`alg` does not fit the key: ES256 for P-256, EdDSA for Ed25519, RS256 or PS256 for RSA"
    )]
    Algorithm,
    #[error(
        "the key is not for signatures: `use` is `sig`, and `key_ops` holds `verify`, where they are given"
    )]
    Use,
}

/// Reads a key that is to be registered.
///
/// # Errors
/// When it is no public key that is taken here.
pub(crate) fn parse(key: &Value) -> Result<Proof, BadKey> {
    let fields = one_key(key)?;
    if PRIVATE.iter().any(|name| fields.contains_key(*name)) {
        return Err(BadKey::Private);
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let is_for_verifying = match fields.get("key_ops") {
        None => true,
        Some(Value::Array(all)) => all.iter().any(|one| one == "verify"),
        Some(_) => false,
    };
    if fields.get("use").is_some_and(|what| what != "sig") || !is_for_verifying {
        return Err(BadKey::Use);
    }
    let bytes = |name: &str| decoded(text(name)).ok_or(BadKey::Numbers);
    let (canonical, fitting): (Value, &[Algorithm]) = match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => {
            if bytes("x")?.len() != 32 || bytes("y")?.len() != 32 {
                return Err(BadKey::Numbers);
            }
            let key = json!({ "crv": "P-256", "kty": "EC", "x": text("x"), "y": text("y") });
            (key, &[Algorithm::Es256])
        }
        (Some("OKP"), Some("Ed25519")) => {
            if bytes("x")?.len() != 32 {
                return Err(BadKey::Numbers);
            }
            (json!({ "crv": "Ed25519", "kty": "OKP", "x": text("x") }), &[Algorithm::EdDsa])
        }
        (Some("RSA"), None) => {
            let (n, e) = (bytes("n")?, bytes("e")?);
            let is_whole = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
            let is_odd = e.last().is_some_and(|last| last % 2 == 1);
            if !RSA_BYTES.contains(&n.len()) || !is_whole(&n) || !is_whole(&e) || !is_odd {
                return Err(BadKey::Kind);
            }
            let key = json!({ "e": text("e"), "kty": "RSA", "n": text("n") });
            (key, &[Algorithm::Rs256, Algorithm::Ps256])
        }
        _ => return Err(BadKey::Kind),
    };
    let algorithm = match (text("alg"), fitting) {
        // As RFC 9864 calls it by now.
        (Some("Ed25519"), [Algorithm::EdDsa]) => Algorithm::EdDsa,
        (Some(name), _) => Algorithm::named(name)
            .filter(|named| fitting.contains(named))
            .ok_or(BadKey::Algorithm)?,
        (None, [one]) => *one,
        (None, _) => return Err(BadKey::WhichAlgorithm),
    };
    let jwk = canonical.to_string();
    let kid = text("kid").map_or_else(|| thumbprint(&jwk), str::to_owned);
    Ok(Proof::PublicKey { kid, algorithm, jwk })
}

fn one_key(key: &Value) -> Result<&Map<String, Value>, BadKey> {
    let fields = key.as_object().ok_or(BadKey::Form)?;
    match fields.get("keys") {
        None => Ok(fields),
        Some(Value::Array(keys)) => match keys.as_slice() {
            [Value::Object(one)] => Ok(one),
            _ => Err(BadKey::Form),
        },
        Some(_) => Err(BadKey::Form),
    }
}

/// A key's name when it was given none: SHA-256 of its members in the form of RFC 7638.
fn thumbprint(canonical: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(canonical.as_bytes()))
}

fn decoded(text: Option<&str>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text?.as_bytes()).ok()
}

/// Whether `signature` over `message` was made with the private half of this key, by this algorithm.
pub(crate) fn is_signed(algorithm: Algorithm, jwk: &str, message: &[u8], signature: &[u8]) -> bool {
    let key: Value = serde_json::from_str(jwk).unwrap_or_default();
    let number = |name: &str| decoded(key.get(name).and_then(Value::as_str)).unwrap_or_default();
    let checked = match algorithm {
        Algorithm::Es256 => {
            let point = [&[4], number("x").as_slice(), &number("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
        }
        Algorithm::EdDsa => {
            UnparsedPublicKey::new(&ED25519, number("x")).verify(message, signature)
        }
        Algorithm::Rs256 => RsaPublicKeyComponents { n: number("n"), e: number("e") }.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            message,
            signature,
        ),
        Algorithm::Ps256 => RsaPublicKeyComponents { n: number("n"), e: number("e") }.verify(
            &RSA_PSS_2048_8192_SHA256,
            message,
            signature,
        ),
    };
    checked.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(key: Value) -> Result<(String, Algorithm, String), BadKey> {
        match parse(&key)? {
            Proof::PublicKey { kid, algorithm, jwk } => Ok((kid, algorithm, jwk)),
            Proof::Password { .. } => panic!("a key is no password"),
        }
    }

    /// A compact JWS, checked with a key.
    fn checks(key: Value, jws: &str) -> bool {
        let (_, algorithm, jwk) = registered(key).unwrap();
        let (message, signature) = jws.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        is_signed(algorithm, &jwk, message.as_bytes(), &signature)
    }

    fn p256() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    fn ed25519() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    fn rsa(algorithm: &str) -> Value {
        json!({
            "kty": "RSA", "e": "AQAB", "alg": algorithm,
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        })
    }

    const ES256_JWS: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const RS256_JWS: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const EDDSA_JWS: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    /// The examples of RFC 7515 (A.2, A.3) and RFC 8037 (A.4), and each signature with every other key.
    #[test]
    fn the_examples_of_the_rfcs_are_signed_and_by_their_own_keys_alone() {
        let keys = [p256(), ed25519(), rsa("RS256"), rsa("PS256")];
        for (right, jws) in [(0, ES256_JWS), (1, EDDSA_JWS), (2, RS256_JWS)] {
            for (at, key) in keys.iter().enumerate() {
                assert_eq!(checks(key.clone(), jws), at == right, "key {at}: {jws}");
            }
            let other = jws.replacen("eyJ", "eyK", 1);
            assert!(!checks(keys[right].clone(), &other), "{other}");
        }
    }

    /// RFC 7638 §3.1, and RFC 8037 A.3.
    #[test]
    fn a_key_without_a_name_has_its_thumbprint() {
        let rfc = json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(registered(rfc).unwrap().0, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let (kid, ..) = registered(ed25519()).unwrap();
        assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_is_no_public_key_for_signatures_is_refused() {
        let with = |mut key: Value, name: &str, value: Value| {
            key[name] = value;
            key
        };
        for (key, why) in [
            (json!("text"), BadKey::Form),
            (json!({ "keys": [] }), BadKey::Form),
            (json!({ "keys": [p256(), p256()] }), BadKey::Form),
            (with(p256(), "d", json!("AA")), BadKey::Private),
            (json!({ "kty": "oct", "k": "AA" }), BadKey::Private),
            (with(p256(), "crv", json!("P-384")), BadKey::Kind),
            (with(p256(), "kty", json!("RSA")), BadKey::Kind),
            (with(p256(), "x", json!("AA")), BadKey::Numbers),
            (
                with(p256(), "y", json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=")),
                BadKey::Numbers,
            ),
            (with(ed25519(), "x", json!(1)), BadKey::Numbers),
            (with(rsa("RS256"), "n", json!("AQAB")), BadKey::Kind),
            (with(rsa("RS256"), "e", json!("AQAC")), BadKey::Kind),
            (with(rsa("RS256"), "alg", Value::Null), BadKey::WhichAlgorithm),
            (rsa("HS256"), BadKey::Algorithm),
            (rsa("none"), BadKey::Algorithm),
            (rsa("ES256"), BadKey::Algorithm),
            (with(p256(), "alg", json!("RS256")), BadKey::Algorithm),
            (with(p256(), "use", json!("enc")), BadKey::Use),
            (with(p256(), "key_ops", json!(["sign"])), BadKey::Use),
        ] {
            assert_eq!(registered(key.clone()), Err(why), "{key}");
        }
        let named = with(with(p256(), "kid", json!("mine")), "alg", json!("ES256"));
        let (kid, algorithm, jwk) = registered(json!({ "keys": [named] })).unwrap();
        assert_eq!((kid.as_str(), algorithm), ("mine", Algorithm::Es256));
        assert!(!jwk.contains("kid"), "{jwk}");
    }
}
