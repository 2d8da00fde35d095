import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { watched } from "../../../agent/keys/pkcs11/watchdog.ts";
import { tempDir } from "../../support/tmp.ts";

/** A library one of whose calls returns only when the file says something, as a real one does when its HSM answers. */
class Library {
  readonly told: string;
  constructor(told: string) {
    this.told = told;
  }
  C_Login(): string {
    // The thread is blocked as it is inside a vendor's library: no timer, promise or signal gets a turn.
    for (let turn = 0; turn < 2000; turn += 1) {
      const text = readFileSync(this.told, "utf8");
      if (text !== "") return text;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
    return "";
  }
  C_GetInfo(): string {
    return this.told;
  }
  async C_WrapKeyAsync(): Promise<string> {
    return this.told;
  }
}

it("a call into a token's library that does not return is told by another thread, once, with what to do", async () => {
  const told = join(tempDir("coldkeep-watchdog"), "told");
  const fd = openSync(told, "w");
  const lib = watched(new Library(told), { library: "/usr/lib/vendor.so", limitMs: 50, fd });
  expect(lib.C_GetInfo()).toBe(told);
  expect(await lib.C_WrapKeyAsync()).toBe(told);
  expect(lib.C_Login()).toContain("has not returned from C_Login for 0.05 s: /usr/lib/vendor.so");
  expect(readFileSync(told, "utf8").match(/coldkeep: /g)).toHaveLength(1);
  expect(readFileSync(told, "utf8")).toContain(`kill -9 ${process.pid}`);
});

it("calls that throw or return in time are told by nobody", () => {
  const told = join(tempDir("coldkeep-watchdog"), "told");
  const failing = {
    C_Finalize: () => {
      throw new Error("CKR_GENERAL_ERROR");
    },
  };
  const lib = watched(failing, { library: "/x.so", limitMs: 20, fd: openSync(told, "w") });
  expect(() => lib.C_Finalize()).toThrow("CKR_GENERAL_ERROR");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  expect(readFileSync(told, "utf8")).toBe("");
});
