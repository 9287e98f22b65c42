//! Writes client and server of the echo service. The messages are in `src/lib.rs`, so no protocol compiler is needed.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let say = Method::builder()
        .name("say")
        .route_name("Say")
        .input_type("crate::Words")
        .output_type("crate::Words")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let echo = Service::builder()
        .name("Echo")
        .package("palisade.example")
        .method(say)
        .build();
    Builder::new().compile(&[echo]);
}
