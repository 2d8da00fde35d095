/**
 * What `npm start` runs. Plain JavaScript for any Node: it looks for Node 24 and says clearly what to do where there is
 * none, then starts the tour.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const NEEDED = 24;
const tour = new URL("tour.ts", import.meta.url);

if (majorOf(process.versions.node) >= NEEDED) await import(tour);
else startWithPackagedNode();

/** npm installs Node 24 as a package beside coldkeep where there is one for this platform. */
function startWithPackagedNode() {
  const node = findPackagedNode();
  if (node === null) {
    console.error(
      `coldkeep needs Node ${NEEDED} or newer; this is Node ${process.versions.node} on ${process.platform}-${process.arch}.\n` +
        "Run `npm ci` first: on Linux (x64, arm64) it brings Node 24 along, unless optional packages are left out.\n" +
        "Elsewhere install Node 24 from https://nodejs.org and run `npm start` again.",
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [fileURLToPath(tour), ...process.argv.slice(2)], { stdio: "inherit" });
  // Ctrl-C reaches both from the terminal, and the tour decides when it is done; what is sent to us alone is passed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.once("error", (error) => {
    console.error(`cannot run ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.once("exit", (status, signal) => {
    process.exitCode = status ?? 128 + constants.signals[signal];
  });
}

function findPackagedNode() {
  try {
    const require = createRequire(import.meta.url);
    return require.resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return null;
  }
}

function majorOf(version) {
  return Number.parseInt(version, 10);
}
