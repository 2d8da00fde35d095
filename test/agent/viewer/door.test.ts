import { describe, expect, it } from "vitest";
import { makeDoor } from "../../../agent/viewer/door.ts";

const HERE = "127.0.0.1:8425";
const visitor = (cookie?: string, host: string | undefined = HERE, site?: string) => ({ host, cookie, site });

describe("the door of what shows snapshots", () => {
  it("lets in whoever has the link, once, and knows the browser from then on", () => {
    const door = makeDoor();
    const first = door.link();
    expect(first).toMatch(/^\/[\w-]{22}\/enter\/[\w-]{43}$/);
    const { cookie = "" } = door.enter(first) ?? {};
    expect(cookie).toMatch(/^coldkeep=[\w-]{43}; Path=\/[\w-]{22}\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).toContain(`Path=${door.place};`);
    const [own = ""] = cookie.split(";");
    expect(door.knows(visitor(own))).toBe(true);
    expect(door.knows(visitor(`theirs=1; ${own}; more=2`))).toBe(true);
    expect(door.enter(first), "used up").toBeNull();
    expect(door.link(), "another one is good now").not.toBe(first);
    expect(door.enter(door.link())).not.toBeNull();
    expect(door.knows(visitor(own)), "the first browser stays in").toBe(true);
  });

  it("knows nobody without the cookie, with part of it, or with a link's secret in its place", () => {
    const door = makeDoor();
    const link = door.link();
    expect(door.knows(visitor("coldkeep="))).toBe(false);
    const [own = ""] = (door.enter(link)?.cookie ?? "").split(";");
    for (const wrong of [
      undefined,
      "",
      "coldkeep=",
      "coldkeep",
      own.slice(0, -1),
      `${own}A`,
      own.replace("coldkeep", "other"),
      `coldkeep=${link.split("/").at(-1)}`,
    ]) {
      expect(door.knows(visitor(wrong)), wrong).toBe(false);
    }
    expect(makeDoor().knows(visitor(own)), "another run knows it no more").toBe(false);
  });

  it("takes no link but its own, whole", () => {
    const door = makeDoor();
    const link = door.link();
    for (const wrong of [makeDoor().link(), link.slice(0, -1), `${link}/`, `${link}?`, `${door.place}enter/`, ""]) {
      expect(door.enter(wrong), wrong).toBeNull();
    }
    expect(door.enter(link)).not.toBeNull();
  });

  it("forgets the first of many browsers", () => {
    const door = makeDoor();
    const cookies = Array.from({ length: 9 }, () => (door.enter(door.link())?.cookie ?? "").split(";")[0]);
    expect(cookies.map((cookie) => door.knows(visitor(cookie)))).toEqual([false, ...Array(8).fill(true)]);
  });

  it.each([HERE, "127.0.0.1", "127.9.8.7:1", "localhost:8425", "LOCALHOST", "[::1]:9000"])(
    "is here for Host %s",
    (host) => {
      expect(makeDoor().isHere(visitor(undefined, host))).toBe(true);
    },
  );

  it.each([
    "evil.example:8425",
    "127.0.0.1.evil.example",
    "evil.example#127.0.0.1",
    "127.0.0.1:8425@evil.example",
    "127.0.0.999",
    "127.0.0.1:8425, evil.example",
    "0.0.0.0:8425",
    "10.0.0.1:8425",
    "localhost.evil.example",
    "[::2]",
    "",
  ])("is not here for Host %j: a name that was led to this machine", (host) => {
    expect(makeDoor().isHere(visitor(undefined, host))).toBe(false);
    expect(makeDoor().isHere({ host: undefined, cookie: undefined, site: undefined })).toBe(false);
  });

  it("does not answer what another site's page asks for, not even one of another port", () => {
    const door = makeDoor();
    for (const site of ["cross-site", "same-site", "", "none, same-origin"]) {
      expect(door.isHere(visitor(undefined, HERE, site)), site).toBe(false);
    }
    for (const site of ["none", "same-origin"]) expect(door.isHere(visitor(undefined, HERE, site))).toBe(true);
  });
});
