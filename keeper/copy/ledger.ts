import type { ObjectDamage } from "../pack-lists.ts";
import type { Amount } from "./types.ts";

/** What one snapshot's copy has come to so far. */
export class Ledger {
  readonly damages: ObjectDamage[] = [];
  readonly notes: string[] = [];
  #sent: Amount = { objects: 0, bytes: 0 };
  #kept: Amount = { objects: 0, bytes: 0 };

  sent(bytes: number): void {
    this.#sent = add(this.#sent, bytes);
  }

  kept(bytes: number): void {
    this.#kept = add(this.#kept, bytes);
  }

  /** False, for whoever asks on whether to go on. */
  damaged(damage: ObjectDamage): false {
    this.damages.push(damage);
    return false;
  }

  get amounts(): { readonly sent: Amount; readonly kept: Amount } {
    return { sent: this.#sent, kept: this.#kept };
  }
}

function add({ objects, bytes }: Amount, more: number): Amount {
  return { objects: objects + 1, bytes: bytes + more };
}
