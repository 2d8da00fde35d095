import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAddress, writeAddress } from "../../../agent/viewer/address.ts";
import { attachmentNamed } from "../../../agent/viewer/attachment.ts";
import { html } from "../../../agent/viewer/html.ts";
import { askedOf } from "../../../agent/viewer/range.ts";
import { toNodeName, toSnapshotId } from "../../../vault/names/index.ts";

const node = toNodeName("icon-1");
const snapshot = toSnapshotId("20260115T000000Z-bh1200-0123456789abcdef");
const at = `icon-1/${snapshot}`;

describe("addresses", () => {
  it("take any bytes there and back, in letters that mean nothing to a browser or a header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom("folder", "file", "tar"), (path, page) => {
        const address = { page, node, snapshot, path, skip: 0 } as const;
        const written = writeAddress(address);
        expect(written).toMatch(/^[A-Za-z0-9\-_.~/%]*$/);
        expect(readAddress(written)).toEqual(address);
      }),
    );
    const folder = { page: "folder", node, snapshot, path: new Uint8Array(0), skip: 2000 } as const;
    expect(readAddress(writeAddress(folder))).toEqual(folder);
    expect(readAddress("")).toEqual({ page: "nodes" });
    expect(readAddress("icon-1/?skip=7")).toEqual({ page: "snapshots", node, skip: 7 });
  });

  it.each([
    "../",
    "..%2f..%2fetc/passwd",
    "Icon/",
    "icon-1/latest/folder/",
    `${at}/`,
    `${at}/constructor/x`,
    `${at}/file/a%`,
    `${at}/file/a%0`,
    `${at}/file/a%zz`,
    `${at}/file/a b`,
    `${at}/file/ä`,
    `${at}/file/x?skip=1`,
    `${at}/folder/x?skip=-1`,
    `${at}/folder/x?skip=1e9`,
    `${at}/folder/x?other=1`,
    "?x",
  ])("that nobody was given lead nowhere: %s", (text) => {
    expect(readAddress(text)).toBeNull();
  });
});

describe("names of what is saved", () => {
  const named = (text: string) => attachmentNamed(Buffer.from(text));

  it("stand as they are where they are harmless, and twice where they are not ASCII", () => {
    expect(named("CURRENT")).toBe("attachment; filename=\"CURRENT\"; filename*=UTF-8''CURRENT");
    expect(named("Überblick 1.txt")).toBe(
      "attachment; filename=\"_berblick 1.txt\"; filename*=UTF-8''%C3%9Cberblick%201.txt",
    );
    expect(named("it's (1)*.txt")).toBe(
      "attachment; filename=\"it_s (1)_.txt\"; filename*=UTF-8''it%27s%20%281%29_.txt",
    );
  });

  it.each([
    ["a\r\nSet-Cookie: x=1", "a__Set-Cookie_ x=1"],
    ['a"; filename="b.html', "a__ filename=_b.html"],
    ["gpj.\u202eexe", "gpj._exe"],
    ["../../etc/passwd", "__.._etc_passwd"],
    ["..\\..\\x", "__.._x"],
    [".bashrc", "_bashrc"],
    ["..", "_"],
    ["", "_"],
    ["end. . ", "end_"],
  ])("do no harm: %j", (name, ascii) => {
    expect(named(name)).toContain(`filename="${ascii}"`);
  });

  it("are one line of a header, whatever bytes they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const header = attachmentNamed(bytes);
        expect(header).toMatch(/^attachment; filename="[A-Za-z0-9 ._+=@,()-]+"; filename\*=UTF-8''[A-Za-z0-9%._~+-]+$/);
        const [, full = ""] = header.split("''");
        expect(decodeURIComponent(full)).not.toMatch(/[\p{Cc}/\\\u202e]/u);
      }),
    );
    expect(attachmentNamed(Buffer.from([0x6e, 0xff, 0x6d]))).toContain('filename="n_m"');
    expect(named("x".repeat(5000)).length).toBeLessThan(300);
  });
});

describe("what of a file is asked for", () => {
  const asked = (range?: string, ifRange?: string) => askedOf(range, ifRange, '"id"', 1000);

  it("is all of it, or one span", () => {
    expect(asked()).toEqual({ all: true });
    expect(asked("bytes=0-99")).toEqual({ span: { first: 0, length: 100 } });
    expect(asked("bytes=900-")).toEqual({ span: { first: 900, length: 100 } });
    expect(asked("bytes=900-5000")).toEqual({ span: { first: 900, length: 100 } });
    expect(asked("bytes=-10")).toEqual({ span: { first: 990, length: 10 } });
    expect(asked("bytes=-5000")).toEqual({ span: { first: 0, length: 1000 } });
    expect(asked("bytes=5-9", '"id"')).toEqual({ span: { first: 5, length: 5 } });
  });

  it("is nothing where it lies beyond, and all where it is no span or of another file", () => {
    expect(asked("bytes=1000-")).toEqual({ beyond: true });
    expect(asked("bytes=-0")).toEqual({ beyond: true });
    expect(askedOf("bytes=0-", undefined, '"id"', 0)).toEqual({ beyond: true });
    for (const range of ["bytes=-", "bytes=9-5", "bytes=0-1,5-6", "items=0-1", "bytes=a-b", "bytes=0-1 "]) {
      expect(asked(range), range).toEqual({ all: true });
    }
    expect(asked("bytes=5-9", '"other"')).toEqual({ all: true });
  });
});

it("HTML takes what is put in as text, and only what is HTML as HTML", () => {
  const evil = `</title><script>alert(1)</script>"'&`;
  expect(html`<p title="${evil}">${evil}${html`<b>${1}</b>`}</p>`.html).toBe(
    `<p title="&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;">&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;<b>1</b></p>`,
  );
});
