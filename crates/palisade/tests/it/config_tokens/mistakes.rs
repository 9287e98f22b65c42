//! Mistakes in these sections.

use super::{BASE, RESOURCES, Setup, without_issuer};

#[test]
fn a_mistake_in_a_section_about_tokens_is_named_with_key_and_remedy() {
    let no_issuer = without_issuer();
    let introspection = |keys: &str| {
        format!("{no_issuer}[introspection]\nurl = \"https://id.example/introspect\"\n{keys}\n")
    };
    let resources = |keys: &str| format!("{BASE}{RESOURCES}{keys}\n");
    let elsewhere = "a secret is not written here";
    let nonces = |written: &str| resources(&format!("[dpop]\nshared_nonces = {written}"));
    let bearer = "bearer = { file = \"secret\" }";
    for (text, key, said) in [
        (BASE.to_owned(), "tokens.issuer", "[[resource_servers]]"),
        (
            format!("{no_issuer}{RESOURCES}"),
            "resource_servers.resource",
            "[[tokens]]",
        ),
        (format!("{no_issuer}[dpop]\n"), "dpop.origin", "[[tokens]]"),
        (
            resources("scope = []"),
            "resource_servers.scope",
            "did you mean `scopes`?",
        ),
        (
            resources("scopes = [\"a b\"]"),
            "resource_servers.resource",
            "is no scope",
        ),
        (
            resources("[dpop]\norigin = \"https://service.test\""),
            "dpop.origin",
            "that of the resource",
        ),
        (
            resources("[dpop]\nmax_age_second = 5"),
            "dpop.max_age_second",
            "did you mean `max_age_seconds`?",
        ),
        (
            resources("[dpop]\nmax_age_seconds = 601"),
            "dpop.max_age_seconds",
            "from 1 to 600",
        ),
        (
            resources("[dpop]\nremembered_proofs = 15"),
            "dpop.remembered_proofs",
            "from 16",
        ),
        (
            resources("[dpop]\nalgorithms = [\"HS256\"]"),
            "dpop.algorithms",
            "asymmetric",
        ),
        (
            resources("[dpop]\nalgorithms = []"),
            "dpop.algorithms",
            "asymmetric",
        ),
        (
            resources("[dpop]\nrequire_nonces = true\nshared_nonces = { file = \"secret\" }"),
            "dpop.shared_nonces",
            "require_nonces",
        ),
        (
            resources("[dpop]\nshared_nonces = { file = \"none\" }"),
            "dpop.shared_nonces.file",
            "environment",
        ),
        (
            resources("[dpop]\nshared_nonces = { file = \"palisade.toml\", environment = \"X\" }"),
            "dpop.shared_nonces",
            "one place",
        ),
        (
            resources("[dpop]\nshared_nonces = { environment = \"PALISADE_NOT_SET\" }"),
            "dpop.shared_nonces.environment",
            "the variable is not set",
        ),
        (
            resources("[dpop]\nshared_nonces = { environment = \"0123456789abcdef\" }"),
            "dpop.shared_nonces.environment",
            "the variable is not set",
        ),
        (
            nonces("\"0123456789abcdef\""),
            "dpop.shared_nonces",
            elsewhere,
        ),
        (nonces("87654321"), "dpop.shared_nonces", elsewhere),
        (nonces("87654321.5"), "dpop.shared_nonces", elsewhere),
        (nonces("true"), "dpop.shared_nonces", elsewhere),
        (
            nonces("[\"0123456789abcdef\"]"),
            "dpop.shared_nonces",
            elsewhere,
        ),
        (
            resources("[dpop]\nshared_nonces = { fil = \"secret\" }"),
            "dpop.shared_nonces.fil",
            "did you mean `file`?",
        ),
        (introspection(""), "introspection.url", "client and secret"),
        (
            introspection("client = \"a\""),
            "introspection.url",
            "client and secret",
        ),
        (introspection(bearer), "introspection.url", "audience"),
        (
            introspection("audiences = []"),
            "introspection.audiences",
            "did you mean `audience`?",
        ),
        (
            introspection(&format!(
                "{bearer}\naudience = \"a\"\nlifetime_seconds = 601"
            )),
            "introspection.lifetime_seconds",
            "from 0 to 600",
        ),
        (
            introspection(&format!(
                "{bearer}\naudience = \"a\"\ntrust_anchors = \"none\""
            )),
            "introspection.trust_anchors",
            "PEM",
        ),
        (
            introspection(&format!("{bearer}\naudience = \"a\""))
                .replace("https://id", "http://id"),
            "introspection.url",
            "https",
        ),
        (
            resources(&format!(
                "[introspection]\nurl = \"https://id.example/i\"\n{bearer}\naudience = \"everything\""
            )),
            "introspection.audience",
            "dangerously_accept_other_audiences",
        ),
        (
            resources(&format!(
                "[introspection]\nurl = \"https://id.example/i\"\n{bearer}\n\
                 dangerously_accept_any_audience = true"
            )),
            "introspection.dangerously_accept_any_audience",
            "the audience of a resource server is the resource",
        ),
        (
            resources(&format!(
                "[introspection]\nurl = \"https://id.example/i\"\n{bearer}\n[dpop]\nrequire_proofs = true"
            )),
            "introspection.url",
            "require_proofs",
        ),
        (
            resources("").replace("jwks_file", "realm = \"a\\\"b\"\njwks_file"),
            "resource_servers.resource",
            "realm",
        ),
        (
            format!(
                "{}[[tokens]]\nissuer = \"https://b.example\"\nlabel = \"b\"\nrealm = \"two\"\njwks_file = \"issuer.jwks\"\n",
                resources("").replace("jwks_file", "label = \"a\"\nrealm = \"one\"\njwks_file")
            ),
            "tokens.realm",
            "all share one challenge",
        ),
        (
            resources("").replace("service.test/mcp", "other.test/mcp"),
            "resource_servers.resource",
            "`hosts`",
        ),
        (
            resources("").replace("https://service.test/mcp", "http://service.test/mcp"),
            "resource_servers.resource",
            "https",
        ),
        (
            resources(RESOURCES),
            "resource_servers.resource",
            "is there twice",
        ),
    ] {
        let error = Setup::new(&text).error();
        assert!(error.contains(&format!(": {key}: ")), "{key} in {error}");
        assert!(error.contains(said), "{said} in {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("0123456789abcdef"), "{error}");
        assert!(!error.contains("87654321"), "{error}");
    }
}
