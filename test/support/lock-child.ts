import { closeSync, openSync, unlinkSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { acquireLock } from "../../posix/lockfile.ts";
import { isColdkeepError } from "../../vault/names/index.ts";

// A process of its own that takes a lock: `hold <path>` keeps it until killed or stdin ends; `storm <path> <inside>
// <turns> <die>` takes it `turns` times, enters `inside` alone each time, and kills itself holding it at turn `die`.
const [mode, path = "", inside = "", turns = "0", die = "0"] = process.argv.slice(2);

if (mode === "hold") {
  const lock = acquireLock(path, "holding for a test");
  process.stdout.write("held\n");
  process.stdin.on("end", () => lock.release()).resume();
} else {
  for (let turn = 1; turn <= Number(turns); turn += 1) {
    const lock = await acquirePatiently();
    // Fails with EEXIST, and the process with it, where another is inside.
    closeSync(openSync(inside, "wx"));
    await wait(1);
    unlinkSync(inside);
    if (turn === Number(die)) process.kill(process.pid, "SIGKILL");
    lock.release();
  }
}

async function acquirePatiently() {
  for (;;) {
    try {
      return acquireLock(path, "storming");
    } catch (error) {
      if (!isColdkeepError(error, "busy")) throw error;
      await wait(1);
    }
  }
}
