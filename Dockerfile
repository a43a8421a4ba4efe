# syntax=docker/dockerfile:1
# The three programs of this workspace in one image; an SBOM comes with `docker buildx build --sbom=true`.
#
#   docker build --target registry .     registry and projector
#   docker build --target gateway .      the edge program

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --features registry/kurrentdb \
        --package registry --package projections --package gateway --bins \
    && install -D -t /out target/release/registry target/release/projector target/release/gateway

FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home gcr
COPY deploy/answers /usr/local/bin/answers
USER 10001
WORKDIR /data
VOLUME /data

FROM base AS gateway
COPY --from=build /out/gateway /usr/local/bin/
ENV GATEWAY_DIR=/data
ENTRYPOINT ["gateway"]
CMD ["run"]

FROM base AS registry
COPY --from=build /out/registry /out/projector /usr/local/bin/
ENV GCR_DATA_DIR=/data GCR_HTTP__HOST=0.0.0.0 GCR_LOG__FORMAT=json
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["answers", "8000", "/healthz"]
ENTRYPOINT ["registry"]
CMD ["serve"]
