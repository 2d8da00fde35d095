import type { IndexEntry } from "../../vault/card/index.ts";
import {
  formatBytes,
  formatCount,
  formatHeights,
  formatTime,
  type NodeName,
  type SnapshotId,
} from "../../vault/names/index.ts";
import { type Listed, showByteName } from "../browse/index.ts";
import { type Address, writeAddress } from "./address.ts";
import { type Html, html, renderDocument } from "./html.ts";

const SLASH = 0x2f;
/** Rows of one page: what is more is a link further. */
export const ROWS = 1000;
const NONE: Html = { html: "" };

/** Some rows of a longer list. */
export interface Rows<T> {
  readonly rows: readonly T[];
  /** How many were passed over before them. */
  readonly skip: number;
  readonly more: boolean;
}

/** The pages under one place. All that comes out of a vault is text in them and stays text. */
export function makePages(place: string, vault: string) {
  const to = (address: Address) => `${place}${writeAddress(address)}`;
  const link = (address: Address, words: string) => html`<a href="${to(address)}">${words}</a>`;

  /** Where one is: each step but the last a link. */
  function trail(...steps: readonly { readonly words: string; readonly address?: Address }[]): Html {
    const items = steps.map(({ words, address }, at) =>
      address === undefined || at === steps.length - 1
        ? html`<li aria-current="page">${words}</li>`
        : html`<li>${link(address, words)}</li>`,
    );
    return html`<nav aria-label="Where you are"><ol>${items}</ol></nav>`;
  }

  /** One that may be wider than a phone is moved by the keyboard as well. */
  function tableOf(caption: string, columns: readonly Html[], rows: readonly Html[]): Html {
    return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns}</tr></thead>
<tbody>
${rows}</tbody></table></div>`;
  }

  function further({ rows, skip, more }: Rows<unknown>, at: (skip: number) => Address): Html {
    if (skip === 0 && !more) return NONE;
    const back = skip === 0 ? NONE : html`<li>${link(at(Math.max(0, skip - ROWS)), "Those before")}</li>`;
    const on = more ? html`<li>${link(at(skip + rows.length), "Those after")}</li>` : NONE;
    return html`<nav aria-label="More of the list"><ol>${back}${on}</ol></nav>`;
  }

  const range = ({ rows, skip, more }: Rows<unknown>) =>
    skip === 0 && !more ? formatCount(rows.length) : `${formatCount(skip + 1)} to ${formatCount(skip + rows.length)}`;

  return {
    nodes(nodes: readonly NodeName[]): string {
      const items = nodes.map((node) => html`<li>${link({ page: "snapshots", node, skip: 0 }, node)}</li>\n`);
      return renderDocument({
        title: nodes.length === 1 ? "One node" : `${nodes.length} nodes`,
        trail: trail({ words: "Nodes" }),
        content: html`<p class="soft">In ${vault}</p>\n<ul>\n${items}</ul>`,
      });
    },

    snapshots(node: NodeName, list: Rows<IndexEntry>): string {
      const rows = list.rows.map(({ snapshot, received, state, heights, bytes, tags }) => {
        const whole = state !== "broken";
        const address = { page: "folder", node, snapshot, path: new Uint8Array(0), skip: 0 } as const;
        return html`<tr><th scope="row">${whole ? link(address, snapshot) : snapshot}</th><td>${formatTime(received)}</td><td>${state === "good" ? "good" : html`<span class="bad">${state}</span>`}</td><td class="n">${formatHeights(heights)}</td><td class="n">${formatCount(bytes.files)}</td><td class="n">${formatBytes(bytes.total)}</td><td>${tags.join(" ")}</td></tr>\n`;
      });
      const columns = html`<th scope="col">Snapshot</th><th scope="col">Received</th><th scope="col">State</th><th scope="col" class="n">Height</th><th scope="col" class="n">Files</th><th scope="col" class="n">Size</th><th scope="col">Tags</th>`;
      return renderDocument({
        title: `Snapshots of ${node}`,
        trail: trail({ words: "Nodes", address: { page: "nodes" } }, { words: node }),
        content:
          list.rows.length === 0
            ? html`<p>There are none${list.skip > 0 ? " further" : " yet"}.</p>`
            : html`${tableOf(`Newest first: ${range(list)}`, [columns], rows)}
${further(list, (skip) => ({ page: "snapshots", node, skip }))}`,
      });
    },

    folder(
      at: {
        readonly node: NodeName;
        readonly snapshot: SnapshotId;
        readonly path: Uint8Array;
        readonly origin: string;
      },
      list: Rows<Listed>,
    ): string {
      const { node, snapshot, path, origin } = at;
      const address = (page: "folder" | "file" | "tar", of: Uint8Array, skip = 0): Address => ({
        page,
        node,
        snapshot,
        path: of,
        skip,
      });
      const rows = list.rows.map((entry) => rowOf(entry, link, address));
      const columns = html`<th scope="col">Name</th><th scope="col">Kind</th><th scope="col" class="n">Size</th><th scope="col">Changed</th><th scope="col">Mode</th><th scope="col">Owner</th>`;
      const here = path.length === 0 ? "this snapshot" : "this folder";
      return renderDocument({
        title: path.length === 0 ? snapshot : showByteName(lastOf(path)),
        trail: trail(
          { words: "Nodes", address: { page: "nodes" } },
          { words: node, address: { page: "snapshots", node, skip: 0 } },
          { words: snapshot, address: address("folder", new Uint8Array(0)) },
          ...foldersOf(path).map((of) => ({ words: showByteName(lastOf(of)), address: address("folder", of) })),
        ),
        content: html`<p class="soft">${origin}</p>
<p>${link(address("tar", path), `Download ${here} as one file (.tar)`)}</p>
${list.rows.length === 0 ? html`<p>Nothing is in it${list.skip > 0 ? " further" : ""}.</p>` : tableOf(`What lies in ${here}: ${range(list)}`, [columns], rows)}
${further(list, (skip) => address("folder", path, skip))}`,
      });
    },

    /** What the browser is shown while it goes on, after it was let in. */
    welcome(): string {
      return renderDocument({
        title: "Come in",
        trail: NONE,
        content: html`<p>${link({ page: "nodes" }, "Go on to the snapshots")}</p>`,
        onTo: place,
      });
    },

    trouble(title: string, words: string): string {
      return renderDocument({ title, trail: NONE, content: html`<p>${words}</p>` });
    },
  };
}

function rowOf(
  entry: Listed,
  link: (address: Address, words: string) => Html,
  address: (page: "folder" | "file", path: Uint8Array) => Address,
): Html {
  const { path, type, mode, uid, gid, mtime, size, target, secret } = entry;
  const name = showByteName(lastOf(path));
  const to =
    target === undefined
      ? NONE
      : html` <span class="soft">${type === "symlink" ? "→" : "same content as"} ${showByteName(target)}</span>`;
  const shown =
    type === "directory"
      ? link(address("folder", path), `${name}/`)
      : type === "symlink"
        ? html`${name}`
        : link(address("file", path), name);
  const kind = `${KINDS[type]}${secret === true ? ", secret" : ""}`;
  const bytes = type === "file" ? html`<span title="${formatCount(size)} bytes">${formatBytes(size)}</span>` : NONE;
  return html`<tr><th scope="row">${shown}${to}</th><td>${kind}</td><td class="n">${bytes}</td><td>${formatTime(mtime.seconds * 1000)}</td><td><code>${mode.toString(8).padStart(4, "0")}</code></td><td>${uid}:${gid}</td></tr>\n`;
}

const KINDS = { file: "file", directory: "folder", symlink: "symbolic link", hardlink: "hard link" } as const;

/** The last name of a path. */
function lastOf(path: Uint8Array): Uint8Array {
  return path.subarray(path.lastIndexOf(SLASH) + 1);
}

/** A path and all above it, from the top. */
function foldersOf(path: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = path.indexOf(SLASH); at >= 0; at = path.indexOf(SLASH, at + 1)) all.push(path.subarray(0, at));
  return path.length === 0 ? [] : [...all, path];
}
