# factload with its engine in one image: `docker run IMAGE` is a ClickHouse server
# that factload serves, and `docker exec ... factload load` fills it.
#
# `make image` builds it from public base images. `make image-offline` builds the
# last stage alone, from files of this machine, where no registry can be reached.
ARG NODE_IMAGE=node:22-bookworm-slim
ARG GO_IMAGE=golang:1.26-bookworm
# The runtime needs glibc and nothing else: no shell, no package manager.
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" \
    -o /ship/usr/local/bin/factload ./cmd/factload

# The pinned engine: npm fetches it, and factload checks its SHA-512.
FROM ${NODE_IMAGE} AS engine
COPY --from=build /ship/usr/local/bin/factload /usr/local/bin/factload
RUN factload engine install && install -m 644 "$(factload engine path)" /libchdb.so

# Just the files that ship.
FROM build AS files
COPY --from=engine /libchdb.so /ship/usr/local/lib/libchdb.so
RUN mkdir -p /ship/etc/ssl/certs /state/data /state/run \
    && cp /etc/ssl/certs/ca-certificates.crt /ship/etc/ssl/certs/

FROM ${RUNTIME_IMAGE} AS runtime
COPY --from=files /ship/ /
# Data is a volume. The DSN file with its password is not: it lives with the container.
COPY --from=files --chown=10001:10001 /state/data/ /var/lib/factload/
COPY --from=files --chown=10001:10001 /state/run/ /run/factload/
USER 10001:10001
WORKDIR /var/lib/factload
# FACTLOAD_DSN_FILE: `serve` writes it, every other command connects by it.
ENV HOME=/var/lib/factload \
    FACTLOAD_DSN_FILE=/run/factload/dsn
VOLUME /var/lib/factload
EXPOSE 8123 9000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/factload", "query", "SELECT 1"]
ENTRYPOINT ["/usr/local/bin/factload"]
CMD ["serve", "--data", "/var/lib/factload", "--http", "0.0.0.0:8123", "--native", "0.0.0.0:9000"]
