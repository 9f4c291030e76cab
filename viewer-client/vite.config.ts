import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { type Plugin, defineConfig } from "vite";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STATIC = join(HERE, "../src/gyrovox/viewer/static");
/** What the build is made of; tests/viewer/test_static.py computes the same. */
const SOURCES = ["index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts"];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** SHA-256 over names and contents of the sources, in the order of their names. */
function fingerprint(): string {
  const files = [...SOURCES.map((name) => join(HERE, name)), ...sources(join(HERE, "no-cbor")), ...sources(join(HERE, "src"))]
    .map((path) => [relative(HERE, path).replaceAll("\\", "/"), path] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const hash = createHash("sha256");
  for (const [name, path] of files) {
    hash.update(`${name}\0`);
    hash.update(readFileSync(path));
    hash.update("\0");
  }
  return hash.digest("hex");
}

const saysWhatItWasBuiltOf: Plugin = {
  name: "says-what-it-was-built-of",
  apply: "build",
  closeBundle() {
    writeFileSync(join(STATIC, "build.json"), `${JSON.stringify({ sources: fingerprint() })}\n`);
  },
};

export default defineConfig({
  root: HERE,
  plugins: [saysWhatItWasBuiltOf],
  build: {
    outDir: STATIC,
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      output: {
        entryFileNames: "assets/page.js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
        // The library by itself: it changes seldom, and the page often.
        codeSplitting: { groups: [{ name: "niivue", test: /node_modules/ }] },
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8642" } },
  test: { include: ["test/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
