/**
 * A small node for tests of stopping and starting: holds a lock (flock) on `LOCK`, appends to `000002.log` all the
 * time, and answers to SIGTERM by finishing its last write. Its folder is its first argument.
 *
 *     --deaf        ignores SIGTERM
 *     --slow <ms>   takes so long to end
 */
import { closeSync, openSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const [folder = "", ...options] = process.argv.slice(2);
const slow = options.includes("--slow") ? Number(options[options.indexOf("--slow") + 1]) : 0;

const lock = openSync(join(folder, "LOCK"), "w");
const log = openSync(join(folder, "000002.log"), "a");
let block = 0;
const timer = setInterval(() => writeSync(log, `block ${block++}\n`), 1);

process.on("SIGTERM", () => {
  if (options.includes("--deaf")) return;
  clearInterval(timer);
  setTimeout(() => {
    writeSync(log, "end\n");
    closeSync(log);
    closeSync(lock);
    unlinkSync(`${folder}.pid`);
    process.exit(0);
  }, slow);
});
writeFileSync(`${folder}.pid`, String(process.pid));
