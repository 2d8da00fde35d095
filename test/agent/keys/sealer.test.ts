import { describe, expect, it } from "vitest";
import { describeSealer } from "../../../agent/keys/index.ts";

describe("what seals on this host", () => {
  it("is named, and nothing is said of it where it is fast", () => {
    expect(describeSealer("aes-256-gcm")).toEqual({ found: "aes-256-gcm by node", slow: null });
    expect(describeSealer("sm4-gcm").found).toMatch(/^sm4-gcm by (libgcrypt|wasm|node)$/);
    expect(describeSealer("sm4-gcm").slow).toBeNull();
  });

  it("is called slow where it is, with what kept the faster ones away", () => {
    const passedOver = [
      { name: "libgcrypt", why: "libgcrypt.so.20: cannot open shared object file" },
      { name: "wasm", why: "no SIMD" },
    ] as const;
    const { slow } = describeSealer("sm4-gcm", { name: "portable", slow: true, passedOver });
    expect(slow).toContain("slowest");
    expect(slow).toContain("libgcrypt: libgcrypt.so.20: cannot open shared object file; wasm: no SIMD");
  });
});
