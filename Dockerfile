# Hubbub in a container: docs/running.md says how to run it. The base image is there for amd64 and arm64.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json vite.config.ts ./
COPY src src
COPY devices devices
COPY dashboard dashboard
RUN npm run build && npm prune --omit=dev --ignore-scripts && rm -r dist/devices

FROM node:24-bookworm-slim
ENV NODE_ENV=production HUBBUB_DATA=/data
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN mkdir --mode=0700 /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 1883 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "dist/hub/main.js", "ready"]
ENTRYPOINT ["node", "--disable-sigusr1", "dist/hub/main.js"]
