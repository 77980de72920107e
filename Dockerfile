FROM rust:1.95-slim-trixie AS build
# This image has a C compiler and the libc headers, which the bundled SQLite and ring need.
WORKDIR /build

# The dependencies are a layer of their own, rebuilt only when Cargo.toml or Cargo.lock change.
COPY Cargo.toml Cargo.lock ./
COPY crates/ozmap-simulator/Cargo.toml crates/ozmap-simulator/
RUN for crate in . crates/ozmap-simulator; do \
      mkdir $crate/src \
   && echo 'fn main() {}' > $crate/src/main.rs \
   && touch $crate/src/lib.rs || exit 1; \
    done \
 && cargo build --release --locked \
 && rm -r src crates/ozmap-simulator/src

# Only what the compiler reads, so that a change to the documentation rebuilds nothing.
COPY config config
COPY crates crates
COPY src src
# Cargo compares modification times: the sources must be newer than the placeholders above.
RUN touch src/main.rs src/lib.rs crates/ozmap-simulator/src/main.rs crates/ozmap-simulator/src/lib.rs \
 && cargo build --release --locked
# Owner and mode are set here, because `COPY --chmod` does not apply to the folder that it copies
# to.
RUN install --directory --owner=65532 --group=65532 --mode=0700 /prepared/data

# No shell and no package manager: glibc, libgcc, time zones and the user `nonroot` (65532).
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="ozmap-cancel" \
      org.opencontainers.image.description="Cancels a reservation in OZmap from a chatbot or a phone menu, and never lies about it" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/target/release/ozmap-cancel /usr/local/bin/ozmap-cancel
COPY LICENSE /usr/share/doc/ozmap-cancel/LICENSE
# The only folder that the service writes to: the default journal is data/journal.db below `/`. A
# new named volume inherits owner and mode; give a mounted folder to 65532 yourself.
COPY --from=build --chown=65532:65532 /prepared/ /
VOLUME /data

# No other setting is here: a variable would win over every --config file.
ENV OZMAP_CANCEL__SERVER__LISTEN=0.0.0.0:8080
USER 65532:65532
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/ozmap-cancel", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/ozmap-cancel"]
CMD ["serve"]
