FROM rust:1.95-slim-bookworm AS build
# A C compiler and headers, for the bundled SQLite and for ring.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The dependencies are a layer of their own: it is rebuilt only when Cargo.toml or Cargo.lock change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs \
 && cargo build --release --locked \
 && rm -r src

COPY . .
# Cargo compares times: the sources must be newer than the stand-ins above.
RUN touch src/main.rs src/lib.rs \
 && cargo build --release --locked \
 && mkdir /data

# No shell and no package manager: glibc, libgcc, time zones and the user `nonroot` (65532).
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="ozmap-cancel" \
      org.opencontainers.image.description="Cancels a reservation in OZmap from a chatbot or a phone menu, and never lies about it" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/target/release/ozmap-cancel /usr/local/bin/ozmap-cancel
COPY LICENSE /usr/share/doc/ozmap-cancel/LICENSE
# The only place that is written to. A new named volume takes over the owner; give a mounted folder to 65532 yourself.
COPY --from=build --chown=65532:65532 --chmod=0700 /data /data
VOLUME /data

ENV OZMAP_CANCEL__SERVER__LISTEN=0.0.0.0:8080 \
    OZMAP_CANCEL__JOURNAL__URL=sqlite:/data/journal.db
USER 65532:65532
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/ozmap-cancel", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/ozmap-cancel"]
CMD ["serve"]
