//! The list of hosts: a host that is served is one of them, spelled however it may be, and the layer asks
//! the list; what a list prints is the list again.

#![no_main]

use http::{HeaderValue, Request, header::HOST};
use libfuzzer_sys::fuzz_target;
use palisade_core::{ClientInfo, Guard, Scheme, SecurityContext, Verdict};
use palisade_transport::{AllowedHosts, HostLayer};

// The first line is the host of a request, the others are a list.
fuzz_target!(|text: &str| {
    let (host, list) = text.split_once('\n').unwrap_or((text, ""));
    let fixed =
        AllowedHosts::parse(["tts.example", "*.voice.example:*", "[::1]:8443"]).expect("a list");
    for scheme in [Scheme::Http, Scheme::Https] {
        if fixed.allow(host, scheme) {
            let host = host.to_ascii_lowercase();
            let name = host
                .rsplit_once(':')
                .filter(|_| !host.ends_with(']'))
                .map_or(&*host, |(name, _)| name);
            let name = name.trim_end_matches('.');
            assert!(
                name == "tts.example" || name.ends_with(".voice.example") || name.starts_with('['),
                "{name}"
            );
            assert!(
                !host.contains(['/', '\\', '@', '#', '?', ',', '%', ' ']) && host.is_ascii(),
                "{host}"
            );
        }
        same(&fixed, host, scheme);
    }
    let Ok(own) = AllowedHosts::parse(list.lines()) else {
        return;
    };
    let printed = own.to_string();
    let again = AllowedHosts::parse(printed.split(", ").filter(|one| !one.is_empty()))
        .expect("what is printed is a list");
    assert_eq!(again.to_string(), printed);
    for scheme in [Scheme::Http, Scheme::Https] {
        same(&own, host, scheme);
        assert_eq!(own.allow(host, scheme), again.allow(host, scheme));
        assert_eq!(
            own.allow(host, scheme),
            own.allow(&host.to_ascii_uppercase(), scheme)
        );
        assert!(!own.allow(host, scheme) || AllowedHosts::dangerously_any().allow(host, scheme));
    }
});

/// The layer serves what the list allows.
fn same(hosts: &AllowedHosts, host: &str, scheme: Scheme) {
    let Ok(value) = HeaderValue::from_str(host) else {
        return;
    };
    let mut head = Request::new(()).into_parts().0;
    head.headers.insert(HOST, value);
    let cx = SecurityContext::find_or_create(&mut head);
    cx.set_client(ClientInfo::new([203, 0, 113, 7].into(), scheme));
    let served = matches!(
        HostLayer::new(hosts.clone()).admit(&cx, &mut head),
        Verdict::Admit(())
    );
    assert_eq!(served, hosts.allow(host, scheme), "{host}");
}
