import { timingSafeEqual } from "node:crypto";
import { openFrame } from "./frame.ts";
import { boundHeader, damagedObject, type ObjectIdentity, type ObjectSecrets, objectSecrets } from "./layout.ts";
import type { FrameRow, ObjectKey, OpenedFrame } from "./types.ts";

/**
 * Opens single frames of an object by their place, without its header or footer: salt and commitment come from a
 * manifest that was itself authenticated.
 */
export class RangeOpener {
  readonly #identity: ObjectIdentity;
  readonly #secrets: ObjectSecrets;

  /** @throws ColdkeepError `integrity` where key, salt and commitment do not belong together. */
  constructor(o: ObjectIdentity & { key: ObjectKey; salt: Uint8Array; commit: Uint8Array }) {
    this.#identity = o;
    this.#secrets = objectSecrets(o, o.key, boundHeader(o, o.salt));
    if (o.commit.length !== this.#secrets.commit.length || !timingSafeEqual(o.commit, this.#secrets.commit)) {
      throw damagedObject(o, "wrong key or damaged header", "the object's commitment is another than recorded");
    }
  }

  /**
   * @param memory Where what comes out may be put; it is what it holds only until it is used again.
   * @throws ColdkeepError `integrity` where the frame is damaged or is not the one the row means.
   */
  open(row: FrameRow, sealed: Uint8Array, memory?: Uint8Array): OpenedFrame {
    return openFrame(this.#identity, this.#secrets, row, sealed, memory);
  }
}
