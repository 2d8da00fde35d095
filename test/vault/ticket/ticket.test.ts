import { describe, expect, it } from "vitest";
import { isColdkeepError, makeSnapshotId, makeVaultId, redactTokens, toNodeName } from "../../../vault/names/index.ts";
import {
  encodeRevoked,
  localTicketMac,
  lookIntoTicket,
  parseRevoked,
  readTicket,
  type Ticket,
  withRevoked,
  writeTicket,
} from "../../../vault/ticket/index.ts";

const mac = localTicketMac(Buffer.alloc(32, 5));
const snapshot = makeSnapshotId(Date.UTC(2026, 0, 1), Buffer.alloc(8, 1));
const TICKET: Ticket = {
  v: 1,
  tid: Buffer.alloc(16, 2).toString("base64url"),
  vault: makeVaultId(Buffer.alloc(16, 7)),
  node: toNodeName("icon"),
  snapshot,
  min_seq: 3,
  iat: 1_767_225_600,
  exp: 1_767_312_000,
  kind: "restore",
  card_key: Buffer.alloc(32, 9).toString("base64url"),
};

const noTicket = (error: unknown) => isColdkeepError(error, "permission");

describe("a ticket", () => {
  it("comes back as it was made, and says the same to its holder", async () => {
    const text = await writeTicket(TICKET, mac);
    expect(text).toMatch(/^ckt1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
    expect(await readTicket(text, mac)).toEqual(TICKET);
    expect(lookIntoTicket(text)).toEqual(TICKET);
  });

  it("is refused with any letter changed, cut off, longer, or signed by another key", async () => {
    const text = await writeTicket(TICKET, mac);
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === "A" ? "B" : "A";
      await expect(readTicket(text.slice(0, at) + other + text.slice(at + 1), mac)).rejects.toSatisfy(noTicket);
    }
    for (const odd of ["", "ckt1.", "ckt1..", text.slice(0, -1), `${text}A`, `${text}.`, `${text}=`, ` ${text}`]) {
      await expect(readTicket(odd, mac), odd).rejects.toSatisfy(noTicket);
    }
    await expect(readTicket(text, localTicketMac(Buffer.alloc(32, 6)))).rejects.toSatisfy(noTicket);
  });

  it("has its MAC checked before a byte of it is parsed", async () => {
    const hostile = `ckt1.${Buffer.from('{"v":1,"v":2').toString("base64url")}.${Buffer.alloc(32).toString("base64url")}`;
    await expect(readTicket(hostile, mac)).rejects.toSatisfy(noTicket);
    let asked = 0;
    const checker = { check: async () => ++asked > 0 };
    await expect(readTicket(hostile, checker)).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    expect(asked).toBe(1);
  });

  it("cannot be made to end before it begins, or as a share of no snapshot", async () => {
    const { snapshot: _none, ...whole } = TICKET;
    for (const wrong of [
      { ...TICKET, exp: TICKET.iat },
      { ...whole, kind: "share" as const },
    ]) {
      await expect(writeTicket(wrong, mac)).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    }
  });

  it("is never in an error, and is taken out of any text", async () => {
    const text = await writeTicket(TICKET, mac);
    const error = await readTicket(`${text}A`, mac).catch((e: unknown) => e);
    expect(String(error)).not.toContain(text.slice(0, 20));
    const share = `ckshare1.${text}.${Buffer.alloc(32).toString("base64url")}`;
    expect(redactTokens(`GET /?t=${text} "${share}"`)).toBe('GET /?t=ckt1.[redacted] "ckshare1.[redacted]"');
  });
});

describe("the list of revoked tickets", () => {
  it("is read without a digest, as it was written at first, and refused with another one's", () => {
    const plain = Buffer.from(JSON.stringify({ format: 1, tickets: [] }));
    expect(parseRevoked(plain)).toEqual({ format: 1, tickets: [] });
    const sealed = JSON.parse(Buffer.from(encodeRevoked({ format: 1, tickets: [] })).toString()) as object;
    const other = { ...sealed, tickets: [{ exp: TICKET.exp, tid: TICKET.tid }] };
    expect(() => parseRevoked(Buffer.from(JSON.stringify(other)))).toThrow(/digest/);
  });

  it("names each once, and forgets a day after its end", () => {
    const one = withRevoked({ format: 1, tickets: [] }, TICKET, TICKET.iat);
    expect(withRevoked(one, TICKET, TICKET.iat)).toEqual(one);
    expect(parseRevoked(encodeRevoked(one))).toEqual(one);
    const other = { tid: Buffer.alloc(16, 3).toString("base64url"), exp: TICKET.exp * 2 };
    expect(withRevoked(one, other, TICKET.exp + 86_399).tickets).toHaveLength(2);
    expect(withRevoked(one, other, TICKET.exp + 86_400).tickets).toEqual([other]);
  });
});
