# The command `hb` in an image: built from the checkout, run without a compiler, without development
# dependencies, and not as root.
#
#   docker build -t hollowbeam .
#   docker run --rm hollowbeam demo
#   docker run --rm -p 127.0.0.1:8734:8734 -v hb:/data hollowbeam
#
# NODE_IMAGE: any image with Node 22.18 or newer and npm, on glibc.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
# What is native comes prebuilt, in packages of its own: no install script need run.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY schemas schemas
COPY connectors connectors
COPY contracts contracts
COPY src src
RUN node scripts/build.mjs
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
RUN mkdir /data

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /opt/hollowbeam
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY schemas schemas
COPY bin bin
# The log, or on Kafka what is cached of it.
COPY --from=build --chown=1000:1000 /data /data
VOLUME /data
USER 1000:1000
EXPOSE 8734
ENTRYPOINT ["node", "/opt/hollowbeam/bin/hb.js"]
# All addresses are the container's own: what is published is for who runs it to say.
CMD ["start", "--data", "/data", "--host", "0.0.0.0"]
