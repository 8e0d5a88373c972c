# Every service of ours, one image each: docker build --build-arg SERVICE=gateway --tag automator/gateway .
#
# Where no registry can be reached, name other images: --build-arg BUILDER=… (Rust, a C compiler, certificates) and RUNTIME=….
ARG BUILDER=rust:1.95-slim-bookworm
ARG RUNTIME=scratch

# All that cargo wants to know before it builds what we depend on: the manifests, and an empty file for each source that they name.
# The real sources come later and are older than these files. Cargo compares times, so touch them, or it builds nothing new.
FROM ${BUILDER} AS manifests
WORKDIR /source
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path './.cargo/*' \
        ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -path '*/src/bin/*.rs' ! -path '*/build.rs' \
        ! -path '*/tests/*.rs' ! -path '*/benches/*.rs' -delete \
    && find . -name lib.rs -exec sh -c 'for file; do : >"$file"; done' sh {} + \
    && find . -name '*.rs' ! -name lib.rs -exec sh -c 'for file; do echo "fn main() { }" >"$file"; done' sh {} +

FROM ${BUILDER} AS build
# A new service is one word here, and one entry in docker-compose.yml.
ARG SERVICES="gateway web-07 github-07 insights-07 backlog-07 notify feed simulators"
# A static program for the machine that builds: it needs nothing that its image would have to have. Its relocations are packed.
ENV CARGO_BUILD_TARGET=host-tuple \
    CARGO_INCREMENTAL=0 \
    RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs"
WORKDIR /source
# The manifests first: what we depend on is built anew when they change, and not when our sources do.
COPY --from=manifests /source .
# hadolint ignore=SC2046 # the words of SERVICES are meant to be several
RUN cargo build --locked --workspace --profile image $(printf -- '--bin %s ' ${SERVICES})
COPY . .
# hadolint ignore=SC2046,SC2086
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build --locked --workspace --profile image $(printf -- '--bin %s ' ${SERVICES}) \
    && mkdir /programs \
    && for service in ${SERVICES}; do mv target/*/image/${service} /programs/ || exit 1; done

FROM ${RUNTIME}
ARG SERVICE
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Automator: ${SERVICE}" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
# Without them a client refuses every https:// address.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /programs/${SERVICE} /service
# By number: there is no /etc/passwd in which to look up a name.
USER 10001:10001
ENV HOST=0.0.0.0 \
    PORT=8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s --retries=3 CMD ["/service", "health"]
ENTRYPOINT ["/service"]
