/**
 * `node:http` without what an import of it costs: an import statement has Node read every property of a module, and this one has a
 * WebSocket that nobody here asks for, which brings an HTTP client of its own and 20 to 30 ms.
 */
import type { Plugin } from "esbuild";

const UNREAD = ["WebSocket", "CloseEvent", "MessageEvent"];

export const lightHttp: Plugin = {
  name: "http",
  setup(on) {
    on.onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === "import-statement" ? { path: "http", namespace: "light", sideEffects: false } : undefined,
    );
    on.onLoad({ filter: /./, namespace: "light" }, () => ({ contents: moduleText(), loader: "js" }));
  },
};

function moduleText(): string {
  const names = Object.keys(process.getBuiltinModule("node:http")).filter((name) => !UNREAD.includes(name));
  return [
    'const http = process.getBuiltinModule("node:http");',
    `export const { ${names.join(", ")} } = http;`,
    "export default http;",
  ].join("\n");
}
